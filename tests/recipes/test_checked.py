import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from innerloop.errors import ConfigurationError
from innerloop.recipes import POLICY_RECIPES, RECIPES, policy_recipe, recipe
from innerloop.recipes._checked import AtLeast, NotNegative, Positive, Seed, check, restored


@dataclass(frozen=True)
class Own:
    recipe: str = "own"
    count: int = 1
    bounded: Annotated[int | None, AtLeast(3)] = None
    widths: tuple[int, ...] = (8,)
    ratio: float = 0.5
    rate: Annotated[float, Positive(0.1)] = 1
    decay: Annotated[float, NotNegative()] = 0
    seed: Annotated[int, Seed()] = 0
    kind: Literal["a", "b"] = "a"
    flag: bool = False


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"count": 0}, "count must be at least 1; got 0"),
        ({"count": 1.0}, "count: expected a whole number; got 1.0"),
        ({"bounded": 2}, "bounded must be at least 3; got 2"),
        ({"widths": (8, 0)}, "widths must be at least 1; got 0"),
        ({"rate": 0}, r"rate must be a positive number; got 0. Try 0\.1"),
        ({"rate": float("nan")}, "rate must be a positive number"),
        ({"decay": -0.1}, "decay must be a number from 0"),
        ({"seed": -1}, "seed must be between 0 and"),
        ({"seed": 2**63}, "seed must be between 0 and"),
        ({"kind": "c"}, "kind: expected a or b; got 'c'"),
        ({"count": 0, "flag": 3}, "flag: expected true or false; got 3"),  # types come before bounds
    ],
)
def test_what_does_not_fit_is_refused(changes, said):
    check(Own())
    with pytest.raises(ConfigurationError, match=said):
        check(Own(**changes))


@pytest.mark.parametrize("changes", [{"bounded": 3}, {"ratio": 0}, {"ratio": -2}, {"widths": ()}, {"seed": 2**63 - 1}])
def test_what_fits_is_taken(changes):
    # 0 and -2 are whole numbers, in a field that takes any number
    check(Own(**changes))


def test_every_count_of_every_recipe_has_a_lower_bound():
    for chosen in [*map(recipe, RECIPES), *map(policy_recipe, POLICY_RECIPES)]:
        for name, value in vars(chosen).items():
            if type(value) is int and type(getattr(type(chosen), name)) is int:
                with pytest.raises(ConfigurationError, match=f"{name} must be "):
                    dataclasses.replace(chosen, **{name: -1})


def test_a_recipe_comes_back_from_plain_values():
    assert restored({"recipe": "own", "widths": [3, 4]}, lambda name: Own(recipe=name)) == Own(widths=(3, 4))
    with pytest.raises(ConfigurationError, match="the field 'x', which 'own' has not"):
        restored({"recipe": "own", "x": 1}, lambda name: Own(recipe=name))
    with pytest.raises(ConfigurationError, match="expected fields by name"):
        restored({1: 2}, lambda name: Own())
