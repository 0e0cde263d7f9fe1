"""A compiled step gives the numbers of the loop; where there is no compiler, the graph goes on without."""

import pytest
import torch
import torch._inductor

from helpers import problems
from helpers.checks import difference, measure, warnings
from helpers.learners import make, outputs
from innerloop.mapping import Mapping


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("build", [problems.perceptron, problems.normed])
@pytest.mark.parametrize("method", ["maml", "reptile", "prototypes"])
def test_the_numbers_of_the_loop(method, build):
    learner, tasks = make(method, build(outputs(method))), problems.batch()
    learner.mapping = Mapping.named("loop")
    expected = measure(learner, tasks)
    learner.mapping = Mapping.named("compiled")
    for _ in range(2):
        assert difference(measure(learner, tasks), expected) < 1e-6
    assert learner._workspace.instead_of(learner.mapping) is learner.mapping, "it fell back"


def test_what_does_not_compile_is_captured(monkeypatch, caplog):
    def broken(*arguments, **settings):
        raise RuntimeError("No C++ compiler\nand a page of paths")

    monkeypatch.setattr(torch._inductor, "compile", broken)
    learner, tasks = make("maml", problems.perceptron()), problems.batch()
    learner.mapping = Mapping.named("loop")
    expected = measure(learner, tasks)
    learner.mapping = Mapping.named("compiled")
    for _ in range(2):
        assert difference(measure(learner, tasks), expected) < 1e-9
    (said,) = warnings(caplog)
    assert said == (
        "compiled vmap is not possible: it does not compile (RuntimeError: No C++ compiler); "
        "going on with: captured vmap"
    )
