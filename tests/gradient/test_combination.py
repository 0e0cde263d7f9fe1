"""What is accepted trains everything; what is refused says why."""

import itertools

import pytest

from helpers import problems
from innerloop.errors import ConfigurationError
from innerloop.gradient import (
    SGD,
    FirstOrder,
    GradientLearner,
    Implicit,
    LastStep,
    LearnedRates,
    Reptile,
    Truncated,
    Unrolled,
    WeightedSteps,
)
from innerloop.gradient._combination import demand_sense

REFUSES = {  # what cannot be joined with it
    Unrolled(): {},
    FirstOrder(): {},
    Truncated(last=1): {},
    Implicit(): {"weighted": "WeightedSteps weighs", "learned": "of LearnedRates would never learn"},
    Reptile(): {"head alone": "moves only what adapts", "learned": "of LearnedRates would never learn"},
}
TWO = WeightedSteps((0.5, 0.5))


@pytest.mark.parametrize("adjoint", REFUSES, ids=str)
@pytest.mark.parametrize(("weighted", "learned", "head"), list(itertools.product((False, True), repeat=3)))
def test_every_combination(adjoint, weighted, learned, head):
    said = {"weighted": weighted, "learned": learned, "head alone": head}
    wrong = [why for what, why in REFUSES[adjoint].items() if said[what]]

    def build():
        return GradientLearner(
            problems.perceptron(3),
            which="head" if head else "all",
            optimiser=LearnedRates(0.1) if learned else SGD(0.1),
            outer_gradient=adjoint,
            outer_loss=TWO if weighted else LastStep(),
            steps=2,
        )

    if wrong:
        with pytest.raises(ConfigurationError) as refused:
            build()
        assert any(why in str(refused.value) for why in wrong)
    else:
        learner = build()
        learner(problems.batch()).loss.backward()
        assert all(p.grad is not None and p.grad.any() for p in learner.parameters())


@pytest.mark.parametrize("start", ["prototypes", "shared"])
def test_a_start_elsewhere_needs_the_way_and_the_query_gradient(start):
    for adjoint in REFUSES:
        if type(adjoint) in (Implicit, Reptile):
            with pytest.raises(ConfigurationError, match=f"start='{start}' does not"):
                demand_sense(adjoint, LastStep(), SGD(0.1), start, [])
        else:
            demand_sense(adjoint, TWO, LearnedRates(0.1), start, ["features.0.weight"])
