import pytest


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workloads", "S", "Q"], "Unknown workload 'Q'; there are S1, S5, O1, O5, M5"),
        (["--rounds", "0"], "rounds must be at least 1; got 0"),
        (["--threads", "-1"], "threads must be at least 1; got -1"),
        (["--seconds", "nan"], "seconds must be a positive number; got nan"),
        (["--sweep", "8", "0"], "at least 1 task; got a sweep over 8 0"),
        (["--device", "tpu"], "--device: expected cpu or cuda; got 'tpu'"),
        (["--allocator", "mine"], "--allocator: expected all or installed or default or kept"),
        (["--workload", "S"], "Did you mean '--workloads'?"),
    ],
)
def test_command_lines_that_cannot_be_meant(options, said, fails, tmp_path):
    assert said in fails("bench", "--out", tmp_path / "bench.json", *options)
    assert list(tmp_path.iterdir()) == []
