import pytest
import torch
from torch.func import vmap

from innerloop.mapping import gradient
from innerloop.mapping._gradient import vectorised


def cubic(p):
    return (p["w"] ** 3).sum()


def run(w, differentiable, inside):
    """Gradient and value, computed as under the loop or as under `vmap`."""
    if not inside:
        return gradient(lambda p: cubic(p), {"w": w, "unused": w}, differentiable=differentiable)

    def one(w):
        return gradient(lambda p: cubic(p), {"w": w, "unused": w}, differentiable=differentiable)

    with vectorised(True):
        grads, value = vmap(one)(w[None])
    return {name: g[0] for name, g in grads.items()}, value[0]


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("differentiable", [False, True])
def test_gradient_and_value(differentiable, inside):
    w = torch.tensor([2.0, -1.0], requires_grad=True)
    grads, value = run(w, differentiable, inside)
    assert grads["w"].tolist() == [12.0, 3.0]
    assert grads["unused"].tolist() == [0.0, 0.0]
    assert value.item() == 7.0
    assert grads["w"].requires_grad == differentiable


@pytest.mark.parametrize("inside", [False, True])
def test_second_derivatives(inside):
    w = torch.tensor([2.0, -1.0], requires_grad=True)
    grads, _ = run(w, True, inside)
    (second,) = torch.autograd.grad(grads["w"].sum(), w)
    assert second.tolist() == [12.0, -6.0]


@pytest.mark.parametrize("inside", [False, True])
def test_it_works_without_gradients_around_it(inside):
    with torch.no_grad():
        grads, value = run(torch.tensor([2.0]), True, inside)
    assert grads["w"].item() == 12.0
    assert not grads["w"].requires_grad
    assert not value.requires_grad


def test_a_leaf_that_is_also_used_elsewhere_counts_only_where_it_was_named():
    w = torch.tensor(3.0, requires_grad=True)
    grads, _ = gradient(lambda p: p["w"] * w, {"w": w}, differentiable=True)
    assert grads["w"].item() == 3.0


def test_the_scope_ends_with_its_block_also_after_an_error():
    from innerloop.mapping._gradient import _scope

    with pytest.raises(ZeroDivisionError), vectorised(True), vectorised(False):
        raise ZeroDivisionError
    assert _scope.vectorised is False
