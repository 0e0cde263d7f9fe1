"""`innerloop cite`."""

import pytest

from innerloop.cli import main


def cited(run, capsys):
    capsys.readouterr()
    assert main(["cite", str(run)]) == 0
    return capsys.readouterr().out


def test_what_a_run_used(picture_run, sinusoid_run, capsys):
    pictures, sinusoids = cited(picture_run, capsys), cited(sinusoid_run, capsys)
    assert "@inproceedings{finn2017maml," in pictures
    assert "ioffe2015batchnorm" in pictures
    assert "ioffe2015batchnorm" not in sinusoids
    assert sinusoids.count("finn2017maml") == 1
    assert cited(picture_run, capsys) == pictures


def test_what_is_no_run(tmp_path, fails):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "config.json").write_text("{")
    assert "is not a run" in fails("cite", tmp_path)
    assert "is not a run" in fails("cite", tmp_path / "nowhere")
    assert "is not a run" in fails("cite", tmp_path / "file")
    assert "damaged" in fails("cite", tmp_path / "damaged")
    assert "RUN is missing" in fails("cite")


@pytest.mark.parametrize("words", [["a", "b"], ["a", "--bibtex"]])
def test_wrong_words(words, fails):
    assert words[-1] in fails("cite", *words)
