import subprocess
import sys

import torch

from innerloop.bench._process import live_tensors


def test_a_large_tensor_shows_in_the_peak():
    # in a process of its own: this one may have free memory left from other tests
    program = (
        "import torch\n"
        "from innerloop.bench._process import forget_peak, peak_megabytes, resident_megabytes\n"
        "forget_peak()\n"
        "before = resident_megabytes()\n"
        "torch.ones(32 * 2**18)  # 32 MB, gone at once\n"
        "print(peak_megabytes() - before)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert float(said) > 24


def test_tensors_are_counted_while_they_live():
    before = live_tensors()
    kept = [torch.zeros(1) for _ in range(7)]
    assert live_tensors() == before + 7
    kept.clear()
    assert live_tensors() == before
