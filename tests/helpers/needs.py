"""What a test needs that is not everywhere: without it the test is skipped, and says so in words."""

import os
from pathlib import Path

import pytest
import torch

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="needs a user who may not write everywhere, as root may")


def data(name):
    """A folder of data sets that are not shipped, or a skipped test."""
    folder = Path(os.environ.get("INNERLOOP_DATA", "nowhere"), name)
    if not folder.is_dir():
        pytest.skip(f"needs INNERLOOP_DATA, the name of a folder that has {name}")
    return folder
