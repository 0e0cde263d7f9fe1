import os

import numpy as np
import pytest
from PIL import Image, ImageSequence

from helpers import demonstrated
from innerloop import methods
from innerloop.control import Demonstrations, Replay, video
from innerloop.control import _video as module
from innerloop.errors import ConfigurationError
from innerloop.networks import bias_mlp

apps = pytest.mark.apps


@pytest.fixture
def source():
    return Demonstrations("reach", goals=(1, 1, 1), demonstrations=2, workers=1).test


@apps
def test_before_and_after_stand_side_by_side(source, tmp_path):
    learner = methods.maml(bias_mlp(7, 4, [8], 2), inner_lr=0.1)
    path = video(learner, source, tmp_path / "both.gif", limit=9, every=4, size=64)
    with Image.open(path) as found:
        assert found.size == (128, 64)
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(found)]
    assert frames[0].std() > 10  # there is something to be seen
    assert not np.array_equal(frames[0], frames[-1])
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["both.gif"]
    assert "MUJOCO_GL" not in os.environ


@apps
def test_a_learner_without_steps_has_one_side(source, tmp_path):
    with Image.open(video(Replay(), source, tmp_path / "one.gif", limit=5, every=4, size=64)) as found:
        assert found.size == (64, 64)


@apps
def test_a_renderer_that_is_missing_is_said_in_one_line(source, tmp_path, monkeypatch):
    def broken(self):
        raise AttributeError("'NoneType' object has no attribute 'eglQueryString'")

    monkeypatch.setattr(module.Manipulation, "frame", broken)
    with pytest.raises(ConfigurationError, match=r"Nothing can be rendered.*libegl1.*libosmesa6") as raised:
        video(Replay(), source, tmp_path / "none.gif")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "none.gif").exists()


def test_numbers_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="every is at least 1"):
        video(Replay(), demonstrated.tasks(), tmp_path / "none.gif", every=0)
