import pytest
import torch

from innerloop.errors import ConfigurationError
from innerloop.networks import DropBlock


def by_hand(x, drop, block, seed):
    """Algorithm 1 with loops: corners drawn as the layer draws them, blocks cut one by one."""
    height, width = x.shape[2:]
    side = min(block, height, width)
    rate = drop / side**2 * height * width / ((height - side + 1) * (width - side + 1))
    torch.manual_seed(seed)
    draws = torch.rand(*x.shape[:2], height - side + 1, width - side + 1, dtype=x.dtype)
    out = x.clone()
    for i in range(len(x)):
        kept = torch.ones_like(x[i])
        for c, row, column in (draws[i] < rate).nonzero().tolist():
            kept[c, row : row + side, column : column + side] = 0
        out[i] = x[i] * kept * kept.numel() / kept.sum()
    return out


@pytest.mark.parametrize(("size", "block"), [((9, 9), 3), ((6, 8), 4), ((5, 5), 5), ((3, 7), 5), ((1, 1), 5)])
def test_blocks_are_those_of_a_loop(size, block):
    x = torch.randn(4, 8, *size, dtype=torch.float64)
    layer = DropBlock(0.3, block)
    torch.manual_seed(3)
    torch.testing.assert_close(layer(x), by_hand(x, 0.3, block, 3))


@pytest.mark.parametrize(("size", "block", "drop"), [(21, 5, 0.1), (21, 1, 0.3), (10, 5, 0.1), (5, 5, 0.1)])
def test_about_the_asked_share_is_dropped(size, block, drop):
    torch.manual_seed(0)
    dropped = (DropBlock(drop, block)(torch.ones(64, 32, size, size)) == 0).float().mean()
    # blocks that overlap are counted twice by equation 1, and a block may not reach over the edge
    assert 0.85 * drop < dropped < 1.05 * drop


def test_a_lone_block_is_a_square_of_its_side():
    torch.manual_seed(0)
    dropped = DropBlock(0.005, 3)(torch.ones(200, 1, 12, 12)) == 0
    sizes = dropped.sum((1, 2, 3))
    lone = dropped[sizes == 9][:, 0]
    assert len(lone) > 5
    for picture in lone:
        rows, columns = picture.any(1).nonzero(), picture.any(0).nonzero()
        assert (len(rows), len(columns)) == (3, 3)
        assert int(rows[-1] - rows[0]) == int(columns[-1] - columns[0]) == 2


def test_the_mean_stays():
    torch.manual_seed(1)
    out = DropBlock(0.2, 3)(torch.ones(16, 8, 9, 9))
    torch.testing.assert_close(out.mean((1, 2, 3)), torch.ones(16))


def test_every_map_has_a_draw_of_its_own():
    torch.manual_seed(2)
    out = DropBlock(0.5, 3)(torch.ones(2, 4, 9, 9)) == 0
    maps = out.flatten(0, 1).flatten(1)
    assert len({tuple(each.tolist()) for each in maps}) == 8


def test_it_does_nothing_in_evaluation_or_without_a_share():
    x = torch.randn(2, 3, 8, 8)
    random = torch.get_rng_state()
    assert torch.equal(DropBlock(0.5).eval()(x), x)
    assert torch.equal(DropBlock(0.0)(x), x)
    assert torch.equal(torch.get_rng_state(), random)


def test_a_row_does_not_depend_on_those_after_it():
    x = torch.randn(3, 4, 8, 8)
    spoiled = x.clone()
    spoiled[2] = float("inf")
    outs = []
    for each in (x, spoiled):
        torch.manual_seed(0)
        outs.append(DropBlock(0.3, 3)(each)[:2])
    assert torch.equal(*outs)


def test_tasks_under_vmap_draw_differently():
    torch.manual_seed(0)
    out = torch.func.vmap(DropBlock(0.4, 3), randomness="different")(torch.ones(3, 2, 4, 8, 8))
    assert not torch.equal(out[0], out[1])


def test_everything_may_be_dropped():
    torch.manual_seed(0)
    out = DropBlock(0.9, 4)(torch.ones(64, 1, 4, 4))
    assert (out.sum((1, 2, 3)) == 0).any()
    assert out.isfinite().all()


@pytest.mark.parametrize("wrong", [{"drop": 1.0}, {"drop": -0.1}, {"block": 0}])
def test_shares_and_sides_that_cannot_be(wrong):
    with pytest.raises(ConfigurationError, match=r"(drop|block)= must be"):
        DropBlock(**wrong)
