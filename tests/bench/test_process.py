import torch

from innerloop.bench._process import forget_peak, live_tensors, peak_megabytes, resident_megabytes


def test_a_large_tensor_shows_in_the_peak():
    forget_peak()
    before = resident_megabytes()
    torch.ones(32 * 2**18)  # 32 MB, gone at once
    assert peak_megabytes() - before > 24


def test_tensors_are_counted_while_they_live():
    before = live_tensors()
    kept = [torch.zeros(1) for _ in range(7)]
    assert live_tensors() == before + 7
    kept.clear()
    assert live_tensors() == before
