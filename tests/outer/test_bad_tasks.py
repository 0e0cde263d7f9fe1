"""Tasks with something wrong in them: an error that says what, and no changed learner."""

import copy

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from innerloop import methods
from innerloop.errors import DataError, InnerloopError
from innerloop.evaluation import evaluate
from innerloop.losses import cross_entropy
from innerloop.networks import conv4, mlp
from innerloop.outer import fit
from innerloop.task import Examples, Task, stack

MANY = settings(
    max_examples=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
METHODS = ["maml", "anil", "reptile", "prototypes", "from_scratch", "nearest_mean"]


class Given:
    """A source of the same tasks at any number."""

    def __init__(self, tasks):
        self.tasks = tasks

    def batch(self, indices):
        at = indices % len(self.tasks.index)
        return self.tasks.map(lambda leaf: leaf[at])

    def describe(self):
        return {"name": "given", "split": "test"}


def make(method):
    torch.manual_seed(0)
    network = mlp(4, None if method == "prototypes" else 3, [5])
    settings = {"inner_lr": 0.1} if method in ("maml", "anil", "reptile") else {}
    return getattr(methods, method)(network, **settings)


def tasks(count=2, ways=3, inputs=4):
    def examples(rows):
        return Examples(torch.randn(rows, inputs), torch.arange(rows) % ways, ways=ways)

    return stack([Task(examples(6), examples(6), torch.tensor(i)) for i in range(count)])


def changed(batch, part, **fields):
    """The tasks with another x or y in one part; nothing is checked on the way, as with a source of one's own."""
    examples = copy.copy(getattr(batch, part))
    for name, value in fields.items():
        object.__setattr__(examples, name, value)
    new = copy.copy(batch)
    object.__setattr__(new, part, examples)
    return new


def uses(learner):
    """The ways in which a batch of tasks reaches a learner."""
    ways = {"call": learner, "evaluate": lambda batch: evaluate(learner, Given(batch), 2)}
    if any(p.requires_grad for p in learner.parameters()) and learner.family != "transfer":
        ways["fit"] = lambda batch: fit(learner, Given(batch), steps=1, tasks_per_step=2, progress=False)
    return ways


def state(learner):
    return {
        "weights": {name: value.clone() for name, value in learner.state_dict().items()},
        "gradients": [p.grad is None for p in learner.parameters()],
        "training": [module.training for module in learner.modules()],
        "norm": learner.norm,
        "mapping": learner.mapping,
        "test_steps": getattr(learner, "test_steps", None),
        "padded": learner._padded,
    }


def refuses(method, batch, *words):
    learner = make(method)
    before = state(learner)
    for name, use in uses(learner).items():
        with pytest.raises(InnerloopError) as error:
            use(batch)
        for word in words:
            assert word in str(error.value), f"{name}: {error.value}"
        after = state(learner)
        weights = after.pop("weights")
        assert all(torch.equal(weights[key], value) for key, value in before["weights"].items())
        if name != "fit":  # which leaves a learner in training
            assert after == {key: value for key, value in before.items() if key != "weights"}
        learner.train(before["training"][0])
        learner = make(method)


EACH = pytest.mark.parametrize("method", METHODS)


@EACH
def test_nan_and_infinity(method):
    @MANY
    @given(
        st.sampled_from(["support", "query"]),
        st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(0, 3)),
        st.sampled_from([float("nan"), float("inf"), -float("inf")]),
    )
    def check(part, place, value):
        batch = tasks()
        x = getattr(batch, part).x.clone()
        x[place] = value
        refuses(method, changed(batch, part, x=x), part, f"task {place[0]}", "NaN or infinity", "Clean")

    check()


@EACH
def test_labels_outside_the_ways(method):
    @MANY
    @given(
        st.sampled_from(["support", "query"]),
        st.tuples(st.integers(0, 1), st.integers(0, 5)),
        st.one_of(st.integers(-(2**40), -1), st.integers(3, 2**40)),
    )
    def check(part, place, label):
        batch = tasks()
        y = getattr(batch, part).y.clone()
        y[place] = label
        refuses(method, changed(batch, part, y=y), part, f"label {label}", "0..2", "Relabel")

    check()


@EACH
def test_inputs_of_another_shape(method):
    @MANY
    @given(st.lists(st.integers(1, 7), min_size=1, max_size=3).filter(lambda shape: torch.Size(shape).numel() != 4))
    def check(shape):
        batch = tasks()
        for part in ("support", "query"):
            batch = changed(batch, part, x=torch.randn(2, 6, *shape))
        if method != "nearest_mean":
            refuses(method, batch, str((6, *shape)), "built for")

    check()


@EACH
def test_query_inputs_of_another_shape(method):
    batch = tasks()
    refuses(method, changed(batch, "query", x=torch.randn(2, 6, 9)), "(6, 9)")


@EACH
def test_double_precision_where_the_network_has_single(method):
    batch = tasks()
    for part in ("support", "query"):
        batch = changed(batch, part, x=getattr(batch, part).x.double())
    if method != "nearest_mean":
        refuses(method, batch, "torch.float64")


def test_float_labels_with_ways():
    @MANY
    @given(st.sampled_from([torch.float16, torch.float32, torch.float64, torch.bfloat16]), st.integers(1, 9))
    def check(dtype, rows):
        with pytest.raises(DataError, match=rf"whole numbers; got y of type {dtype}.*y\.long\(\)"):
            Examples(torch.randn(rows, 2), torch.zeros(rows, dtype=dtype), ways=2)

    check()


@pytest.mark.parametrize("method", ["maml", "anil", "reptile", "from_scratch"])
def test_float_labels_with_a_cross_entropy(method):
    settings = {"inner_lr": 0.1} if method != "from_scratch" else {}

    @MANY
    @given(st.integers(1, 5), st.sampled_from([torch.float32, torch.float64]))
    def check(rows, dtype):
        learner = getattr(methods, method)(mlp(4, 3, [5]), loss=cross_entropy, **settings)
        examples = Examples(torch.randn(rows, 4), torch.zeros(rows, dtype=dtype))
        batch = stack([Task(examples, Examples(torch.randn(3, 4), torch.zeros(3)))])
        for use in (learner, lambda tasks: evaluate(learner, Given(tasks), 1)):
            with pytest.raises(DataError, match=r"Cross-entropy needs whole-number labels.*y\.long\(\)"):
                use(batch)
        with pytest.raises(DataError, match=r"y\.long\(\)"):
            learner.adapted(examples.x, examples.y)

    check()


def test_targets_of_another_shape():
    @MANY
    @given(st.sampled_from([(), (2,), (1, 1)]), st.integers(2, 5))
    def check(shape, rows):
        learner = methods.maml(mlp(4, 1, [5]), inner_lr=0.1)
        examples = Examples(torch.randn(rows, 4), torch.randn(rows, *shape))
        batch = stack([Task(examples, examples)])
        for use in (learner, lambda tasks: evaluate(learner, Given(tasks), 1)):
            with pytest.raises(DataError, match=r"one shape; got .*Reshape y"):
                use(batch)
        with pytest.raises(DataError, match="one shape"):
            learner.adapted(examples.x, examples.y)

    check()


def test_labels_with_a_second_axis():
    learner = methods.maml(mlp(4, 3, [5]), inner_lr=0.1)
    with pytest.raises(DataError, match="labels"):
        learner.adapted(torch.randn(3, 4), torch.tensor([[0], [1], [2]]))


def test_more_ways_than_outputs():
    @MANY
    @given(st.integers(4, 9), st.sampled_from(["maml", "anil", "reptile", "from_scratch"]))
    def check(ways, method):
        refuses(method, tasks(ways=ways), f"{ways}-way", "has 3", "outputs=", "prototypes")

    check()


def test_rows_that_do_not_agree():
    @MANY
    @given(st.integers(0, 5), st.integers(6, 9), st.integers(0, 9))
    def check(x, y, mask):
        with pytest.raises(DataError, match="same number of rows"):
            Examples(torch.randn(x, 2), torch.zeros(y), torch.ones(mask, dtype=torch.bool))

    check()


def test_pictures_of_another_size():
    learner = methods.maml(conv4(2, 3, channels=1, size=16), inner_lr=0.1)
    with pytest.raises(DataError, match=r"\(2, 3, 16, 16\)"):
        learner.adapted(torch.rand(2, 3, 16, 16), torch.tensor([0, 1]))


def test_a_source_that_gives_one_task_instead_of_a_batch():
    class Single(Given):
        def batch(self, indices):
            return self.tasks

    learner, task = make("maml"), tasks().map(lambda leaf: leaf[0])
    uses = {
        "call": learner,
        "evaluate": lambda task: evaluate(learner, Single(task), 2),
        "fit": lambda task: fit(learner, Single(task), steps=1, progress=False),
    }
    for use in uses.values():
        with pytest.raises(InnerloopError, match="batch of tasks"):
            use(task)
