import pytest
import torch

from innerloop.counter import bits, fold, normal, seed_of, uniform

MASK = (1 << 64) - 1


def reference(*parts):
    """The same hash in Python's unbounded integers."""

    def mix(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    golden, key = 0x9E3779B97F4A7C15, 0
    for part in parts:
        key = mix(((key ^ mix((part + golden) & MASK)) + golden) & MASK)
    return key


@pytest.mark.parametrize("parts", [(0,), (1, 2, 3), (2**63 - 1, 5), (-1,), (-(2**63), 7, 0)])
def test_fold_is_splitmix64(parts):
    expected = reference(*parts)
    assert fold(*parts).item() & MASK == expected
    assert bits(torch.tensor(0), *parts).item() == reference(0, *parts) & (2**63 - 1)


def test_the_first_output_of_splitmix64():
    """Seed 0 gives 0xE220A8397B1DCDAF (the generator's published test value)."""
    from innerloop.counter import _GOLDEN, _mix

    assert _mix(torch.tensor(_GOLDEN)).item() & MASK == 0xE220A8397B1DCDAF


def test_a_draw_depends_on_its_own_numbers_alone():
    tasks, positions = torch.arange(50), torch.arange(20)
    whole = fold(3, tasks[:, None], positions)
    assert whole.shape == (50, 20)
    assert whole[7, 11] == fold(3, 7, 11)
    assert torch.equal(whole.flip(0), fold(3, tasks.flip(0)[:, None], positions))
    assert whole.unique().numel() == whole.numel()


def test_neighbouring_keys_share_no_pattern():
    flipped = fold(torch.arange(4096)) ^ fold(torch.arange(4096) ^ 1)
    ones = torch.stack([(flipped >> bit) & 1 for bit in range(64)]).double().mean(1)
    assert bool(((ones - 0.5).abs() < 0.05).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_uniform_numbers_are_uniform(dtype):
    found = uniform(torch.tensor(1), torch.arange(100_000), dtype=dtype)
    assert found.dtype == dtype
    assert found.min() >= 0
    assert found.max() < 1
    counts = torch.histc(found, 100, 0, 1)
    chi_square = ((counts - 1000) ** 2 / 1000).sum()
    assert 50 < chi_square < 160  # 99 degrees of freedom, wide tails
    assert abs(torch.corrcoef(torch.stack([found[:-1], found[1:]]))[0, 1]) < 0.015


def test_normal_numbers_are_normal():
    found = normal(torch.tensor(1), torch.arange(100_000))
    assert bool(found.isfinite().all())
    for power, moment in enumerate([0.0, 1.0, 0.0, 3.0], start=1):
        assert abs((found.double() ** power).mean() - moment) < 0.1


def test_bits_are_not_negative_and_seeds_are_numbers():
    assert bits(torch.arange(10_000), 0).min() >= 0
    assert seed_of(1, 2) == seed_of(1, 2) != seed_of(2, 1)
    torch.Generator().manual_seed(seed_of(1, 2))
