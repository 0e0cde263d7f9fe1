import pytest
import torch
import torch.nn.functional as F

from innerloop.errors import ConfigurationError
from innerloop.gradient import SGD, Adam, AdamW, LSTMOptimiser, RMSprop

ZERO = torch.tensor(0.0)  # the inner loss, which none of these looks at

OURS = {
    "sgd": (lambda: SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (lambda: SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    "nesterov": (
        lambda: SGD(0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    "adamw": (lambda: AdamW(0.1, eps_root=0), lambda p: torch.optim.AdamW(p, 0.1)),
    "rmsprop": (lambda: RMSprop(0.1, eps_root=0), lambda p: torch.optim.RMSprop(p, 0.1)),
    "rmsprop, other decay": (
        lambda: RMSprop(0.1, decay=0.5, eps_root=0),
        lambda p: torch.optim.RMSprop(p, 0.1, alpha=0.5),
    ),
    "adam": (lambda: Adam(0.1, eps_root=0), lambda p: torch.optim.Adam(p, 0.1)),
    "adam, other betas": (
        lambda: Adam(0.1, betas=(0.5, 0.7), eps=1e-3, eps_root=0),
        lambda p: torch.optim.Adam(p, 0.1, betas=(0.5, 0.7), eps=1e-3),
    ),
}


def quartic(p):
    return (p["a"] ** 4).sum() + (p["a"].sum() * p["b"]).square().sum()


def start():
    return {"a": torch.tensor([1.0, -2.0], dtype=torch.float64), "b": torch.tensor(0.3, dtype=torch.float64)}


def run(optimiser, steps, parameters=None):
    p = parameters or start()
    state = optimiser.init(p)
    for step in range(steps):
        p, state = optimiser.update(torch.func.grad(quartic)(p), state, p, step, ZERO)
    return p


@pytest.mark.parametrize("name", OURS)
def test_several_steps_are_those_of_torch_optim(name):
    ours, theirs = OURS[name]
    expected = start()
    for p in expected.values():
        p.requires_grad_()
    optimiser = theirs(list(expected.values()))
    for _ in range(7):
        optimiser.zero_grad()
        quartic(expected).backward()
        optimiser.step()
    found = run(ours(), 7)
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value.detach(), rtol=1e-12, atol=1e-12)


def test_the_guard_under_the_root_hardly_moves_adam():
    guarded, plain = run(Adam(0.1), 7), run(Adam(0.1, eps_root=0), 7)
    assert all(torch.allclose(guarded[key], plain[key], atol=1e-9) for key in plain)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("eps_root", "finite"), [(1e-16, True), (0.0, False)])
@pytest.mark.parametrize("make", [Adam, AdamW, RMSprop])
def test_roots_can_be_differentiated_where_a_gradient_is_zero(make, eps_root, finite, dtype):
    """A dead ReLU; without the guard the slope of the root is infinite."""
    x, y = torch.randn(5, 2, dtype=dtype), torch.randn(5, 1, dtype=dtype)
    start = {
        "in": torch.tensor([[1.0, 0.5], [0.0, 0.0]], dtype=dtype, requires_grad=True),
        "bias": torch.tensor([0.1, -9.0], dtype=dtype, requires_grad=True),
        "out": torch.ones(1, 2, dtype=dtype, requires_grad=True),
    }

    def loss(p):
        return F.mse_loss(F.linear(F.relu(F.linear(x, p["in"], p["bias"])), p["out"]), y)

    optimiser, p = make(0.1, eps_root=eps_root), start
    state = optimiser.init(p)
    for step in range(3):
        slopes = torch.autograd.grad(loss(p), list(p.values()), create_graph=True)
        p, state = optimiser.update(dict(zip(p, slopes, strict=True)), state, p, step, ZERO)
    gradient = torch.autograd.grad(loss(p), list(start.values()))
    assert all(bool(g.isfinite().all()) for g in gradient) == finite


@pytest.mark.parametrize("optimiser", [SGD, Adam, AdamW, RMSprop])
@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_rate_is_positive(optimiser, rate):
    with pytest.raises(ConfigurationError, match="must be a positive number"):
        optimiser(rate)


def test_updates_write_nothing_in_place():
    p, optimiser = start(), Adam(0.1)
    state = optimiser.init(p)
    optimiser.update(torch.func.grad(quartic)(p), state, p, 0, ZERO)
    assert all(torch.equal(p[key], value) for key, value in start().items())
    assert not any(bool(m.any()) for moment in state.values() for m in moment.values())


@pytest.mark.parametrize("rate", [0, 1, 1.5, -1, float("nan")])
def test_the_rate_of_an_lstm_is_where_a_sigmoid_starts(rate):
    with pytest.raises(ConfigurationError, match=r"more than 0 and less than 1; got .*Try 0\.01"):
        LSTMOptimiser(rate=rate)


def test_an_lstm_has_a_state():
    with pytest.raises(ConfigurationError, match="hidden= must be at least 1; got 0"):
        LSTMOptimiser(hidden=0)
