"""What the papers train with is written once, and a recipe that says nothing else has it."""

import pytest

from innerloop.catalogue import METHODS
from innerloop.recipes import recipe
from innerloop.recipes._methods import MERGED, PAPERS, of_papers


def test_the_table_names_methods_and_fields():
    for method, settings in PAPERS.items():
        assert METHODS[method].trained
        assert settings.keys() <= vars(recipe("characters")).keys()


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("omniglot", "unicorn_maml"), ("characters", "baseline_plus_plus"), ("folder", "unicorn_maml"),
        ("text", "baseline_plus_plus"), ("sinusoids", "cavia"), ("curves", "imaml"),
    ],
)  # fmt: skip
def test_recipes_begin_with_the_papers(name, method):
    chosen = vars(recipe(name, method))
    assert {field: chosen[field] for field in PAPERS[method]} == PAPERS[method]


def test_what_is_left_out():
    assert of_papers("simple_shot", "classes") == MERGED
    assert of_papers("pretraining", "numbers") == {}
    assert of_papers("unicorn_maml", "numbers") == {}
    assert of_papers("imaml", "classes", but=["imaml"]) == {}
    assert of_papers("own.py:imaml", "classes") == {}
