import dataclasses
import json
import typing

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import folders
from innerloop.catalogue import METHODS as CATALOGUE
from innerloop.errors import CheckpointError, ConfigurationError, DataError
from innerloop.outer import fit
from innerloop.recipes import METHODS, RECIPES, from_json, recipe, variants
from innerloop.recipes._build import build
from innerloop.recipes._build_network import build_maps
from innerloop.recipes._types import fits, reads, words
from innerloop.sources import HashedNgrams

EVERY = [(name, method) for name in RECIPES for method in METHODS]


@pytest.mark.parametrize(("name", "method"), EVERY)
def test_json_gives_the_recipe_back(name, method):
    chosen = recipe(name, method)
    assert (chosen.recipe, chosen.method) == (name, method)
    assert from_json(json.loads(json.dumps(chosen.to_json()))) == chosen


@pytest.mark.parametrize("name", RECIPES)
def test_fields_say_what_they_are(name):
    for field in dataclasses.fields(recipe(name)):
        assert words(typing.get_type_hints(type(recipe(name)))[field.name])
    assert type(recipe(name)).__doc__
    assert RECIPES[name].__doc__


@pytest.mark.parametrize("name", ["characters", "omniglot", "folder", "text", "clinc"])
def test_what_is_trained_on_merged_classes_is_trained_alike(name):
    chosen = [recipe(name, method) for method in METHODS if CATALOGUE[method].merged]
    assert len(chosen) == 3
    assert {(one.tasks_per_step, one.weight_decay) for one in chosen} == {(1, 5e-4)}


def test_unknown_names():
    with pytest.raises(ConfigurationError, match="Unknown recipe 'x'; there are characters"):
        recipe("x")
    for name in RECIPES:
        with pytest.raises(ConfigurationError, match="Unknown method 'x'; there are maml"):
            recipe(name, "x")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(list(RECIPES)), st.data())
def test_fields_of_another_type_are_refused(name, data):
    chosen = recipe(name)
    hints = typing.get_type_hints(type(chosen))
    field = data.draw(st.sampled_from(sorted(hints)))
    value = data.draw(st.sampled_from([None, "x", "", 1, 1.5, True, (), ("a",), (1,), {}, object()]))
    if fits(value, hints[field]):
        return
    with pytest.raises(ConfigurationError, match=f"{field}: expected "):
        dataclasses.replace(chosen, **{field: value})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "expected fields by name"),
        ([], "expected fields by name"),
        ({}, "Unknown recipe 'None'"),
        ({"recipe": "x"}, "Unknown recipe 'x'"),
        ({"recipe": ["characters"]}, "Unknown recipe"),
        ({"recipe": "sinusoids", "ways": 5}, "field 'ways', which 'sinusoids' has not"),
        ({"recipe": "sinusoids", "method": 3}, "method: expected text; got 3"),
        ({"recipe": "sinusoids", "hidden": "40"}, "hidden: expected a list of whole numbers"),
        ({"recipe": "sinusoids", "steps": 0}, "steps must be at least 1"),
    ],
)
def test_saved_recipes_that_do_not_fit(value, said):
    with pytest.raises(ConfigurationError, match=said):
        from_json(value)


def test_types_agree_with_what_is_read():
    # what a command line can say of a type is what a saved value of it may be
    for kind, text, value in (
        (int, "3", 3), (float, "1e-3", 1e-3), (str, "x", "x"), (int | None, "None", None),
        (tuple[int, ...], "4", (4,)), (typing.Literal["a", "b"], "b", "b"),
    ):  # fmt: skip
        assert reads([text], kind)
        assert fits(value, kind)
    assert not reads(["a"], int)
    assert not reads([], int)
    assert not reads(["1", "2"], int)
    assert reads([], tuple[int, ...])
    assert not fits(1.0, int)


@pytest.mark.parametrize("method", METHODS)
def test_weights_come_from_the_seed_and_not_from_the_user(method):
    def weights(user, seed):
        torch.manual_seed(user)
        before = torch.get_rng_state()
        learner = build(dataclasses.replace(recipe("sinusoids", method), seed=seed)).learner
        assert torch.equal(torch.get_rng_state(), before)
        return torch.cat([p.detach().flatten() for p in learner.parameters()])

    if CATALOGUE[method].learns == "classes":
        return
    assert torch.equal(weights(1, 0), weights(2, 0))
    assert not torch.equal(weights(1, 0), weights(1, 3))


def test_test_tasks_do_not_depend_on_the_seed():
    one, other = (build(dataclasses.replace(recipe("sinusoids"), seed=seed)) for seed in (0, 1))
    assert torch.equal(one.source.test[3].support.x, other.source.test[3].support.x)
    train = [experiment.fit_settings()["source"][3].support.x for experiment in (one, other)]
    assert not torch.equal(*train)


def test_methods_that_need_classes_say_so():
    with pytest.raises(ConfigurationError, match=r"no classes\. Use maml"):
        build(recipe("sinusoids", "proto_maml"))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_on_characters(method):
    """Two outer steps of a small version of the recipe, in the settings that it names."""
    chosen = dataclasses.replace(
        recipe("characters", method), filters=4, steps=2, tasks_per_step=2, train_queries=2, validation_tasks=2,
        validate_every=2, inner_lr=0.05,
    )  # fmt: skip
    experiment = build(chosen)
    before = {name: p.detach().clone() for name, p in experiment.learner.named_parameters() if p.requires_grad}
    fit(experiment.learner, **experiment.fit_settings(), progress=False)
    after = dict(experiment.learner.named_parameters())
    assert sum(not torch.equal(p, after[name]) for name, p in before.items()) > len(before) / 2


@pytest.mark.parametrize("name", ["characters", "omniglot", "folder"])
def test_relation_networks_get_feature_maps(name):
    chosen = dataclasses.replace(recipe(name, "relation"), filters=4, downsample="pool")
    made = build_maps(chosen, recipe("characters").source())
    assert made.spec["downsample"] == "pool"
    assert made.map_shape == (4, 7, 7)
    with pytest.raises(ConfigurationError, match=r"relation wants feature maps.*got --network resnet12.*prototypes"):
        build(dataclasses.replace(recipe("characters", "relation"), network="resnet12", filters=4))
    with pytest.raises(ConfigurationError, match=r"no classes\. Use maml"):
        build(recipe("sinusoids", "relation"))


def test_ridge_learns_classes_and_numbers():
    numbers, classes = build(recipe("sinusoids", "ridge")), build(recipe("characters", "ridge"))
    assert type(numbers.learner) is type(classes.learner)
    task = numbers.source.test[0]
    assert numbers.learner.predict(numbers.learner.adapt(task.support), task.query.x).shape == task.query.y.shape


def test_data_that_were_not_named():
    for name, what in (
        ("folder", "the folder of pictures"), ("table", "the CSV file"), ("text", "the file of texts")
    ):  # fmt: skip
        with pytest.raises(ConfigurationError, match=f"name {what} with --data"):
            build(recipe(name))


def test_the_scale_of_a_table_is_kept_with_the_run(tmp_path):
    path = folders.write_table(tmp_path / "plants.csv")
    chosen = dataclasses.replace(
        recipe("table"), data=str(path), task="plant", target="height", shots=3, queries=4, train_queries=4
    )
    experiment = build(chosen)
    kept = experiment.fit_settings()["config"]["scaling"]
    assert type(experiment.source.scaling)(**json.loads(json.dumps(kept))) == experiment.source.scaling
    with pytest.raises(DataError, match="no column 'tree'"):
        build(dataclasses.replace(chosen, task="tree"))


def test_protocol_b_of_omniglot_has_settings_of_its_own():
    for method in METHODS:
        a, b = recipe("omniglot", method), recipe("omniglot", method, protocol="B")
        assert (a.protocol, a.ways, a.augment, a.centre) == ("A", 5, False, False)
        assert (b.protocol, b.ways, b.shots, b.queries, b.augment, b.centre) == ("B", 20, 1, 1, True, True)
        assert b.train_ways is None
        assert from_json(b.to_json()) == b
    assert variants("omniglot") == ["protocol"]


def test_resnet12_is_an_option_of_picture_recipes():
    chosen = dataclasses.replace(recipe("characters", "prototypes"), network="resnet12", filters=2)
    experiment = build(chosen)
    assert experiment.learner.network.spec["network"] == "resnet12"
    assert experiment.learner.network.width == 20
    assert experiment.learner.spec["network"] == experiment.learner.network.spec


def test_a_table_in_folds(tmp_path):
    path = folders.write_table(tmp_path / "plants.csv")
    chosen = dataclasses.replace(
        recipe("table"), data=str(path), task="plant", target="height", shots=3, queries=4, train_queries=4,
        order="light", folds=4, fold=3,
    )  # fmt: skip
    source = build(chosen).source
    assert len(source.test.data.names) == len(source.validation.data.names) == 3
    assert source.train.ordered
    with pytest.raises(ConfigurationError, match="folds must be at least 3; got 2"):
        dataclasses.replace(chosen, folds=2)


@pytest.fixture
def texts(tmp_path):
    return folders.write_texts(tmp_path / "texts.csv")


def of_texts(path, method, **more):
    return dataclasses.replace(
        recipe("text", method), data=str(path), ways=2, queries=2, train_queries=2, dimensions=64, hidden=(8,), steps=2,
        tasks_per_step=2, validation_tasks=2, validate_every=2, test_steps=2, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    "method", ["maml", "prototypes", "relation", "pretraining", "simple_shot", "baseline_plus_plus", "meta_baseline"]
)
def test_texts_are_learned_from_a_file(texts, method):
    experiment = build(of_texts(texts, method))
    settings_ = experiment.fit_settings()
    fit(experiment.learner, **settings_, progress=False)
    kept = json.loads(json.dumps(settings_["config"]["ngrams"]))
    assert HashedNgrams.from_json(kept) == experiment.source.encoder
    assert experiment.source.train[0].support.x.shape == (2, 64)


def test_a_learner_starts_from_the_features_of_a_run(texts, tmp_path):
    first = build(of_texts(texts, "pretraining"))
    fit(first.learner, **first.fit_settings(), run=tmp_path / "first", progress=False)
    trained = first.learner.network.features.state_dict()
    for method in ("prototypes", "meta_baseline", "maml", "unicorn_maml", "proto_maml", "anil"):
        chosen = of_texts(texts, method, start=str(tmp_path / "first"))
        features = build(chosen).learner.network.features.state_dict()
        assert all(torch.equal(value, trained[name]) for name, value in features.items())
        fresh = build(chosen, start=False).learner.network.features.state_dict()
        assert not all(torch.equal(value, trained[name]) for name, value in fresh.items())


def test_a_start_that_does_not_fit_is_named(texts, tmp_path):
    first = build(of_texts(texts, "pretraining"))
    fit(first.learner, **first.fit_settings(), run=tmp_path / "first", progress=False)
    chosen = of_texts(texts, "prototypes", start=str(tmp_path / "first"))
    with pytest.raises(
        ConfigurationError, match=r"'1.weight' has shape \(8, 64\) in .*first and \(9, 64\) in Prototypes.*--hidden"
    ):
        build(dataclasses.replace(chosen, hidden=(9,)))
    with pytest.raises(CheckpointError, match="is not a run"):
        build(dataclasses.replace(chosen, start=str(tmp_path / "nothing")))
    splits = tmp_path / "splits.json"
    names = [f"verb{i}" for i in range(12)]
    splits.write_text(json.dumps({"train": names[6:], "validation": names[3:6], "test": names[:3]}))
    with pytest.raises(ConfigurationError, match=r"trained with splits=None .* may have seen test classes"):
        build(dataclasses.replace(chosen, splits=str(splits)))


@pytest.mark.parametrize(("rates_lr", "moved"), [(None, 1e-2), (1e-4, 1e-4)])
def test_learned_inner_rates_have_an_outer_rate_of_their_own(rates_lr, moved):
    chosen = dataclasses.replace(
        recipe("sinusoids", "meta_sgd"), lr=1e-2, rates_lr=rates_lr, steps=1, schedule="constant", mapping="vmap"
    )
    made = build(chosen)
    start = made.learner.network.head.weight.detach().clone()
    fit(made.learner, **made.fit_settings(), progress=False)
    rates = torch.cat([rate.detach().flatten() for rate in made.learner.optimiser.parameters()])
    # Adam's first step has the size of its rate, whatever the gradient is
    torch.testing.assert_close((rates - chosen.inner_lr).abs().max(), torch.tensor(moved), rtol=1e-2, atol=0)
    weights = made.learner.network.head.weight.detach()
    torch.testing.assert_close((weights - start).abs().max(), torch.tensor(1e-2), rtol=1e-2, atol=0)


def test_an_outer_rate_of_inner_rates_that_are_not_learned_is_refused():
    chosen = dataclasses.replace(recipe("sinusoids", "maml"), rates_lr=1e-4)
    with pytest.raises(ConfigurationError, match="maml learns no inner rates"):
        build(chosen).fit_settings()


def test_a_memory_has_label_slots_for_larger_tasks_in_training():
    chosen = dataclasses.replace(recipe("characters", "in_context"), train_ways=8, steps=1, tasks_per_step=1, filters=4)
    made = build(chosen)
    fit(made.learner, **made.fit_settings(), progress=False)
    task = made.source.test[0]
    assert task.ways == 5
    state = made.learner.adapt(task.support)
    assert made.learner.predict(state, task.query.x).shape == (len(task.query), 5)
