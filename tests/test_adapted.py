import copy

import pytest
import torch
from torch import nn

import innerloop
from helpers import training
from innerloop import methods, sources
from innerloop.errors import CheckpointError, ConfigurationError, DataError
from innerloop.files import load_tensors, save_tensors
from innerloop.losses import absolute_error
from innerloop.networks import Backbone, conv4, conv_maps, mlp
from innerloop.sources import Sinusoids


def network(outputs):
    torch.manual_seed(1)
    return conv4(outputs, 4, channels=1, size=16)


def maps():
    torch.manual_seed(1)
    return conv_maps(4, size=16)


LEARNERS = {
    "maml": lambda: methods.maml(network(3), inner_steps=2, inner_lr=0.1),
    "maml support": lambda: methods.maml(network(3), inner_lr=0.1, norm="support"),
    "maml running": lambda: methods.maml(network(3), inner_lr=0.1, norm="running"),
    "anil": lambda: methods.anil(network(3), inner_steps=3, inner_lr=0.1),
    "fomaml": lambda: methods.fomaml(network(3), inner_lr=0.1),
    "reptile": lambda: methods.reptile(network(3), inner_lr=0.05),
    "prototypes": lambda: methods.prototypes(network(None)),
    "prototypes cosine": lambda: methods.prototypes(network(None), distance="cosine", norm="batch"),
    "matching": lambda: methods.matching(network(None)),
    "matching full context": lambda: methods.matching(network(None), full_context=True, norm="support"),
    "relation": lambda: methods.relation(network(None)),
    "relation maps": lambda: methods.relation(maps(), norm="batch"),
    "ridge": lambda: methods.ridge(network(None)),
    "ridge support": lambda: methods.ridge(network(None), norm="support"),
    "svm": lambda: methods.svm(network(None), norm="batch"),
    "simple_shot": lambda: methods.simple_shot(network(20)),
    "mann": lambda: methods.mann(network(None), ways=3, slots=32, width=6, reads=2, hidden=8, norm="batch"),
    "snail": lambda: methods.snail(network(None), ways=3, length=10, filters=64),
    "cnp": lambda: methods.cnp(network(None), ways=3, width=8),
    "anp": lambda: methods.anp(network(None), ways=3, width=8, heads=2),
    "in_context": lambda: methods.in_context(network(None), ways=3, width=8, layers=2, heads=2, hidden=8),
    "unicorn_maml": lambda: methods.unicorn_maml(network(None), inner_steps=2),
    "meta_baseline": lambda: methods.meta_baseline(network(None)),
    "baseline_plus_plus": lambda: methods.baseline_plus_plus(network(20), inner_steps=5),
    "linear_probe": lambda: methods.linear_probe(network(20)),
    "cosine_head": lambda: methods.cosine_head(network(20), inner_steps=5),
    "pooled_ridge": lambda: methods.pooled_ridge(inputs=256, outputs=3),
    "shrunk_ridge": lambda: methods.shrunk_ridge(inputs=256, outputs=3),
    "fine_tune": lambda: methods.fine_tune(network(20), 3, inner_steps=5),
    "linear_head": lambda: methods.linear_head(network(20), 3, inner_steps=5),
    "from_scratch": lambda: methods.from_scratch(network(3), inner_steps=5),
    "nearest_mean": methods.nearest_mean,
    "nearest_mean features": lambda: methods.nearest_mean(network(None)),
    "pretraining": lambda: methods.pretraining(network(20)),
    "joint": lambda: methods.joint(network(5)),
    "constant": methods.constant,
}
EACH = pytest.mark.parametrize("name", LEARNERS)


def support():
    torch.manual_seed(2)
    return torch.rand(9, 1, 16, 16), torch.arange(9) % 3


@EACH
def test_one_picture_alone_is_predicted_as_among_fifty(name):
    model = LEARNERS[name]().adapted(*support())
    new = torch.rand(50, 1, 16, 16)
    together = model(new)
    assert together.shape == (50, 3)
    alone = torch.cat([model(picture[None]) for picture in new])
    assert torch.equal(alone, together)
    for size in (2, 15, 16, 17, 33):
        assert torch.equal(model(new[:size]), together[:size])
    assert torch.equal(model(new.flip(0)), together.flip(0))


@EACH
def test_saved_and_loaded_it_is_the_same_to_the_bit(name, tmp_path):
    model = LEARNERS[name]().adapted(*support(), classes=["a", "b", "c"])
    model.save(tmp_path / "deep" / "model.safetensors")
    loaded = innerloop.load(tmp_path / "deep" / "model.safetensors")
    new = torch.rand(20, 1, 16, 16)
    assert torch.equal(model(new), loaded(new))
    assert torch.equal(model.probabilities(new), loaded.probabilities(new))
    assert loaded.classes == ["a", "b", "c"]
    assert loaded.learner.norm == model.learner.norm
    assert loaded.learner.name == model.learner.name
    assert not any(module.training for module in loaded.modules())


@pytest.mark.parametrize("classes", [None, ["a", "b", "c"]])
def test_joint_models_of_earlier_versions_are_loaded(classes, tmp_path):
    """They kept no state, so that one with names of classes could be saved and never loaded."""
    model = methods.joint(network(3)).adapted(*support(), classes=classes)
    model._outline = {"dict": {}}
    model.save(tmp_path / "model.safetensors")
    loaded = innerloop.load(tmp_path / "model.safetensors")
    assert loaded.state.ways == (None if classes is None else 3)
    new = torch.rand(4, 1, 16, 16)
    assert torch.equal(model.learner.network.eval()(new), loaded.learner.network(new))
    assert loaded(new).shape == (4, 3)


def test_a_linear_probe_of_an_earlier_version_is_loaded(tmp_path):
    """Its state had no statistics of norm layers."""
    model = LEARNERS["linear_probe"]().adapted(*support())
    del model._outline["state"]["statistics"]
    model.save(tmp_path / "model.safetensors")
    loaded = innerloop.load(tmp_path / "model.safetensors")
    new = torch.rand(4, 1, 16, 16)
    assert torch.equal(model(new), loaded(new))


@EACH
def test_the_learner_is_as_before(name):
    learner = LEARNERS[name]()
    for first in learner.children():
        first.train()
        break
    weights = {key: value.clone() for key, value in learner.state_dict().items()}
    flags = {key: module.training for key, module in learner.named_modules()}
    requires = [p.requires_grad for p in learner.parameters()]
    x, y = support()
    norm, random = learner.norm, torch.get_rng_state()
    learner.adapted(x, y)
    for key, value in learner.state_dict().items():
        assert torch.equal(weights[key], value)
    assert {key: module.training for key, module in learner.named_modules()} == flags
    assert [p.requires_grad for p in learner.parameters()] == requires
    assert all(p.grad is None for p in learner.parameters())
    assert learner.norm == norm
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("method", ["maml", "prototypes"])
def test_later_training_of_the_learner_does_not_change_the_model(method):
    learner, source = training.make(method)
    task = source.train[0]
    model = learner.adapted(task.support.x, task.support.y)
    before = model(task.query.x)
    innerloop.fit(learner, source.train, steps=3, progress=False)
    assert torch.equal(model(task.query.x), before)
    after = learner.adapted(task.support.x, task.support.y)
    assert not torch.equal(after(task.query.x), before)


def test_it_is_the_learners_own_prediction():
    learner = methods.maml(mlp(8, 3, [5]), inner_steps=2, inner_lr=0.1).eval()
    task = training.blobs().test[0]
    expected = learner.predict(learner.adapt(task.support), task.query.x)
    found = learner.adapted(task.support.x, task.support.y)(task.query.x)
    torch.testing.assert_close(found, expected.detach())


def test_a_regression_gives_values(tmp_path):
    learner, source = training.make("maml")
    task = source.test[0]
    model = learner.adapted(task.support.x, task.support.y)
    assert model(task.query.x).shape == (5, 1)
    model.save(tmp_path / "m")
    assert torch.equal(innerloop.load(tmp_path / "m")(task.query.x), model(task.query.x))


def test_ridge_learns_numbers_too(tmp_path):
    source = sources.Sinusoids(shots=3, queries=4)
    for shots in (3, 50):  # fewer and more examples than features
        task = source.test.with_(shots=shots)[0]
        model = methods.ridge(mlp(1, None)).adapted(task.support.x, task.support.y)
        assert model(task.query.x).shape == (4, 1)
        model.save(tmp_path / "m")
        assert torch.equal(innerloop.load(tmp_path / "m")(task.query.x), model(task.query.x))


def test_a_regression_may_give_means_and_variances(tmp_path):
    task = Sinusoids(shots=5, queries=20).test[0]
    model = methods.cnp(mlp(1, None, []), width=8).adapted(task.support.x, task.support.y)
    mean, variance = model(task.query.x)
    assert mean.shape == variance.shape == (20, 1)
    model.save(tmp_path / "m")
    assert torch.equal(innerloop.load(tmp_path / "m")(task.query.x).variance, variance)


def test_batch_statistics_of_the_inputs_are_never_used():
    learner = methods.maml(network(3), inner_lr=0.1, norm="batch")
    assert learner.adapted(*support()).learner.norm == "support"
    assert learner.norm == "batch"


def squares(prediction, examples):
    return (prediction - examples.y).square().sum(1).sqrt()


def gone_on(model, task):
    """Predictions after one more look at the query examples."""
    return model.learner.predict(model.learner.adapt(task.query, model.state), task.support.x)


@pytest.mark.parametrize("own", [False, True], ids=["absolute_error", "own"])
@pytest.mark.parametrize("method", ["maml", "cavia"])
def test_a_loss_is_kept_or_its_absence_is_said(method, own, tmp_path):
    """It decides how the loaded model goes on learning; it predicts the same whatever it is."""
    task, net = Sinusoids().test[0], mlp(1, 1)
    learner = getattr(methods, method)(net, inner_lr=0.1, loss=squares if own else absolute_error)
    model = learner.adapted(task.support.x, task.support.y)
    expected = gone_on(model, task)
    model.save(tmp_path / "model")
    loaded = innerloop.load(tmp_path / "model")
    assert torch.equal(loaded(task.query.x), model(task.query.x))
    if own:
        for again in (loaded, copy.deepcopy(loaded)):
            with pytest.raises(ConfigurationError, match="had the loss squares, which is code and not in its file"):
                gone_on(again, task)
        loaded.save(tmp_path / "again")
        loaded = innerloop.load(tmp_path / "again")
        with pytest.raises(ConfigurationError, match="had the loss squares"):
            gone_on(loaded, task)
        loaded.learner.loss = squares
    torch.testing.assert_close(gone_on(loaded, task), expected)
    loaded.learner.loss = None
    assert not torch.allclose(gone_on(loaded, task), expected)


def test_models_saved_before_losses_were_kept_have_the_methods_own(tmp_path):
    learner, task = methods.cnp(mlp(1, None), width=8), Sinusoids().test[0]
    learner.adapted(task.support.x, task.support.y).save(tmp_path / "model")
    tensors, about = load_tensors(tmp_path / "model")
    assert about.pop("loss") == "gaussian_nll"
    save_tensors(tmp_path / "old", tensors, about)
    assert innerloop.load(tmp_path / "old").learner.loss is learner.loss
    for damage in ("magic", {}, 3, ["squared_error"]):
        save_tensors(tmp_path / "damaged", tensors, {**about, "loss": damage})
        with pytest.raises(CheckpointError, match="damaged"):
            innerloop.load(tmp_path / "damaged")


def test_fewer_classes_than_outputs():
    x, y = support()
    model = methods.maml(network(5), inner_lr=0.1).adapted(x, y)
    assert model(x).shape == (9, 3)
    torch.testing.assert_close(model.probabilities(x).sum(1), torch.ones(9))


def test_classes_may_lack_an_example_where_the_head_knows_them():
    x, _ = support()
    y = torch.tensor([0, 2] * 4 + [0])
    model = methods.maml(network(3), inner_lr=0.1).adapted(x, y, classes=["a", "b", "c"])
    assert model(x).shape == (9, 3)
    with pytest.raises(DataError, match="Class 1 has no example"):
        methods.prototypes(network(None)).adapted(x, y, classes=["a", "b", "c"])
    with pytest.raises(DataError, match=r"0\.\.1; got \[0, 2\]"):
        methods.maml(network(3), inner_lr=0.1).adapted(x, y)
    with pytest.raises(DataError, match=r"0\.\.0 for these classes; got \[0, 2\]"):
        methods.maml(network(3), inner_lr=0.1).adapted(x, y, classes=["a"])


def test_inputs_that_cannot_be_learned_from():
    learner = methods.maml(network(3), inner_lr=0.1)
    x, y = support()
    spoiled = x.clone()
    spoiled[4, 0, 3, 3] = float("nan")
    for inputs, labels, words in (
        (spoiled, y, "NaN or infinity"),
        (x[:0], y[:0], "got none"),
        (x[:5], y, "same number of rows"),
        (x, y - 1, "got .-1, 0, 1"),
        (x, y + 5, "labels must be 0..2"),
        (x, torch.arange(9), "A 9-way task needs 9 logits; the network has 3"),
        (x.expand(9, 3, 16, 16), y, r"cannot take inputs of shape and type \(9, 3, 16, 16\)"),
        (x.double(), y, "float64"),
        ([[1.0]], y, "torch.as_tensor"),
        (x, y.float(), "one shape"),
    ):
        with pytest.raises(DataError, match=words):
            learner.adapted(inputs, labels)
    assert learner.training
    assert learner.norm == "batch"


def test_a_regression_has_no_classes():
    learner, source = training.make("maml")
    task = source.test[0]
    with pytest.raises(DataError, match="Leave them out"):
        learner.adapted(task.support.x, task.support.y, classes=["a"])


def test_inputs_that_cannot_be_predicted():
    for name in ("maml", "nearest_mean"):
        model = LEARNERS[name]().adapted(*support())
        with pytest.raises(DataError, match="got none"):
            model(torch.rand(0, 1, 16, 16))
        with pytest.raises(DataError, match=r"\((2|16), 3, 16, 16\)"):
            model(torch.rand(2, 3, 16, 16))


def test_a_network_of_ones_own_is_not_saved_but_says_how(tmp_path):
    own = Backbone(nn.Flatten(), nn.Linear(256, 3), 256)
    model = methods.maml(own, inner_lr=0.1).adapted(*support())
    with pytest.raises(CheckpointError, match=r"model\.state_dict\(\)"):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    copied = copy.deepcopy(model)
    assert torch.equal(copied(support()[0]), model(support()[0]))


def test_a_model_is_an_ordinary_module(tmp_path):
    model = LEARNERS["maml"]().adapted(*support())
    x = support()[0]
    before = model(x)
    model.load_state_dict(model.state_dict())
    assert torch.equal(nn.Sequential(model, nn.Identity()).train()(x), before)
    assert not any(p.requires_grad for p in model.parameters())


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="missing"):
        innerloop.load(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="damaged"):
        innerloop.load(tmp_path)
