import pytest
import torch
from torch.utils import _pytree as pytree

from innerloop.errors import DataError
from innerloop.task import Examples, Task, number_of_tasks, pad, stack, take


def examples(rows, ways=2, value=1.0):
    return Examples(torch.full((rows, 3), value), torch.arange(rows) % (ways or 1), ways=ways)


def task(support=2, query=3, ways=2, index=None):
    return Task(examples(support, ways), examples(query, ways), None if index is None else torch.tensor(index))


def tree_task(rows):
    def part(n):
        return Examples({"a": torch.ones(n, 2), "b": [torch.ones(n, dtype=torch.int64)]}, (torch.ones(n, 1),))

    return Task(part(rows), part(rows + 1))


def test_the_mask_is_filled_in_and_the_index_too():
    one = task()
    assert one.support.mask.tolist() == [True, True]
    assert one.index.item() == -1
    assert len(one.query) == 3
    assert one.ways == 2


def test_shorter_tasks_are_padded_with_masked_zero_rows():
    tasks = stack([task(2, 4, index=7), task(3, 1, index=8)])
    assert tasks.index.tolist() == [7, 8]
    assert tasks.support.mask.tolist() == [[True, True, False], [True, True, True]]
    assert tasks.query.mask.sum(1).tolist() == [4, 1]
    assert not tasks.support.x[0, 2].any()
    assert not tasks.query.y[1, 1:].any()
    assert tasks.ways == 2
    assert len(tasks.query) == 4
    assert number_of_tasks(tasks) == 2


def test_stacking_and_taking_give_the_tasks_back():
    each = [task(2, 3, index=i) for i in range(4)]
    tasks = stack(each)
    for i, one in enumerate(each):
        again = take(tasks, i)
        assert pytree.tree_structure(again) == pytree.tree_structure(one)
        assert all(torch.equal(a, b) for a, b in zip(pytree.tree_leaves(again), pytree.tree_leaves(one), strict=True))
    assert take(tasks, slice(1, 3)).index.tolist() == [1, 2]


def test_trees_of_any_shape_are_stacked():
    tasks = stack([tree_task(2), tree_task(4)])
    assert tasks.support.x["a"].shape == (2, 4, 2)
    assert tasks.support.x["b"][0].dtype == torch.int64
    assert tasks.query.y[0].shape == (2, 5, 1)
    assert tasks.support.mask.sum(1).tolist() == [2, 4]


def test_a_task_is_a_tree_that_carries_its_ways():
    leaves, structure = pytree.tree_flatten(task(ways=3))
    assert len(leaves) == 7
    again = pytree.tree_unflatten([leaf + 1 for leaf in leaves[:1]] + leaves[1:], structure)
    assert again.support.ways == 3
    assert again.support.x[0, 0] == 2
    assert pytree.tree_map(lambda _: None, task()).support.x is None  # not validated on the way


def test_map_applies_to_every_tensor():
    found = task().map(lambda leaf: leaf.to(torch.float64))
    assert {leaf.dtype for leaf in pytree.tree_leaves(found)} == {torch.float64}
    assert found.ways == 2


def test_padding_to_the_same_length_is_the_same_object():
    one = examples(3)
    assert pad(one, 3) is one


def test_vmap_maps_over_tasks():
    tasks = stack([task(2, 3, index=i) for i in range(4)])
    found = torch.func.vmap(lambda one: (one.support.x.sum() + one.index, one.query.mask.sum()))(tasks)
    assert found[0].tolist() == [6.0, 7.0, 8.0, 9.0]
    assert found[1].tolist() == [3] * 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Examples([1.0], [2.0]), r"leading example axis.*float.*torch\.as_tensor"),
        (lambda: Examples(torch.tensor(1.0), torch.ones(1)), "leading example axis"),
        (lambda: Examples({}, []), "leading example axis"),
        (lambda: Examples(torch.ones(2, 1), torch.ones(3)), r"same number of rows; got \[2, 3\]"),
        (lambda: Examples(torch.ones(2, 1), torch.ones(2), torch.ones(3)), r"got \[2, 3\]"),
        (
            lambda: Examples(torch.ones(2, 1), torch.ones(2), ways=2),
            r"whole numbers; got y of type torch\.float32",
        ),
        (lambda: Task(examples(2, ways=2), examples(2, ways=3)), "same number of ways; got 2 and 3"),
        (lambda: stack([]), "at least one task"),
        (lambda: stack([task(ways=2), task(ways=3)]), "same structure and ways"),
        (lambda: stack([task(), tree_task(2)]), "same structure and ways"),
        (
            lambda: stack([task(), Task(*[Examples(torch.ones(3, 5), torch.zeros(3).long(), ways=2)] * 2)]),
            "one shape",
        ),
        (lambda: pad(examples(3), 2), "Cannot pad 3 examples to 2 rows"),
        (lambda: number_of_tasks(task()), r"Expected a batch of tasks.*innerloop\.stack\(\[task\]\)"),
    ],
)
def test_errors(make, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        make()
