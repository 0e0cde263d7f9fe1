from innerloop.cli import main


def test_a_run_of_another_kind_has_no_video(tmp_path, capsys):
    run = tmp_path / "run"
    small = ["--steps", "1", "--tasks-per-step", "1", "--validation-tasks", "1", "--test-tasks", "2", "--quiet"]
    assert main(["train", "sinusoids", "--run", str(run), "--hidden", "4", "--mapping", "loop", *small]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run), "--video", str(tmp_path / "never.gif")]) == 2
    assert "Only runs of robot control (`innerloop train reach`)" in capsys.readouterr().err
    assert not (tmp_path / "never.gif").exists()
