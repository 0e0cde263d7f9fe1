"""Meta-World's splits are what they say, and its own evaluation drives a learner of ours."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from innerloop.errors import ConfigurationError, DataError, TrainingError
from innerloop.rl import (
    RL2,
    Continuous,
    GaussianPolicy,
    MetaWorld,
    MetaWorldAgent,
    MetaWorldTasks,
    Policies,
    ProMP,
    Trajectories,
    advantages,
    collect,
    episode_keys,
    log_prob,
    maml_policy,
    train,
)


def learner_of():
    torch.manual_seed(0)
    return maml_policy(GaussianPolicy(39, 4, (8,), std=0.5))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"benchmark": "ML2"}, "no benchmark 'ML2'"),
        ({"benchmark": "ML10"}, "the others none"),
        ({"name": None}, "ML1 has a name="),
        ({"horizon": 501}, "horizon=501"),
    ],
)
def test_what_cannot_be_is_refused(wrong, match):
    with pytest.raises(ConfigurationError, match=match):
        MetaWorldTasks(**wrong)


def goals(tasks):
    return {(task.env_name, pickle.loads(task.data)["rand_vec"].tobytes()) for task in tasks}


@pytest.mark.apps
def test_the_splits_are_disjoint_and_test_is_the_official_one():
    import metaworld

    family = MetaWorld("ML1", "reach-v3")
    train, validation, test = (goals(split.tasks()) for split in (family.train, family.validation, family.test))
    assert (len(train), len(validation), len(test)) == (40, 10, 50)
    official = metaworld.ML1("reach-v3", seed=0)
    assert train | validation == goals(official.train_tasks)
    assert test == goals(official.test_tasks)
    assert not (train & validation | train & test | validation & test)


@pytest.mark.apps
def test_training_tasks_go_on_without_end_and_test_tasks_do_not():
    family = MetaWorld("ML1", "reach-v3")
    drawn = goals([family.train.task(index) for index in range(400)])
    assert drawn == goals(family.train.tasks())
    assert goals([family.test.task(index) for index in range(50)]) == goals(family.test.tasks())
    with pytest.raises(ConfigurationError, match="has 50 tasks; asked for 51"):
        family.test.task(50)
    with pytest.raises(ConfigurationError, match="validation split of MetaWorldTasks has 10 tasks; asked for 11"):
        train(
            learner_of(), family.train, algorithm=ProMP(), iterations=1, validation=family.validation,
            validation_tasks=11, progress=False,
        )  # fmt: skip
    with pytest.raises(ConfigurationError, match="no class 'fly-v3'"):
        MetaWorldTasks(name="fly-v3").tasks()


@pytest.mark.apps
def test_episodes_follow_the_goal_and_leave_numpys_generator_alone():
    family = MetaWorldTasks(horizon=10, split="test")
    tasks, before = torch.arange(2), np.random.get_state()[1].copy()
    found, again = (
        collect(Policies(learner_of()), family, tasks, episode_keys(0, 0, 0, tasks * 0, 1)) for _ in range(2)
    )
    assert np.array_equal(np.random.get_state()[1], before)
    assert torch.equal(found.reward, again.reward)
    assert not torch.equal(found.reward[0], found.reward[1])
    assert (found.observation[..., 36:] == 0).all()  # the goal is hidden
    assert found.success.shape == (2, 1)


@pytest.mark.apps
def test_the_official_evaluation_runs():
    import gymnasium
    from metaworld.evaluation import metalearning_evaluation

    # of the ids for ML1 this one is right; "ML1-train" gives the test goals as well
    envs = gymnasium.make_vec(
        "Meta-World/ML1-test", env_name="reach-v3", seed=0, meta_batch_size=2, total_tasks_per_cls=2,
        vector_strategy="sync", max_episode_steps=10,
    )  # fmt: skip
    agent = MetaWorldAgent(learner_of())
    success, earned, each = metalearning_evaluation(
        agent, envs, num_evals=1, adaptation_episodes=2, evaluation_episodes=1
    )
    envs.close()
    assert 0 <= success <= 1
    assert np.isfinite(earned)
    assert list(each) == ["reach-v3"]
    assert agent.policies.state.steps == 1


def drive(agent, lengths, extra=0):
    """Plays episodes of given lengths, a row for each environment, with random observations."""
    torch.manual_seed(7)
    ends = [np.cumsum(own) - 1 for own in lengths]
    steps = []
    for time in range(max(map(sum, lengths)) + extra):
        seen = torch.randn(len(lengths), 39).numpy()
        action, said = agent.adapt_action(seen)
        over = np.array([time in own for own in ends])
        reward = torch.randn(len(lengths)).numpy()
        agent.step(
            SimpleNamespace(
                observation=seen, action=action, reward=reward, terminated=over & False, truncated=over,
                aux_policy_outputs=said,
            )
        )  # fmt: skip
        steps.append((torch.tensor(seen), torch.tensor(said["drawn"]), torch.tensor(reward)))
    return steps


def test_the_agent_adapts_on_whole_episodes_of_each_environment():
    learner = learner_of()
    agent = MetaWorldAgent(learner)
    lengths = [(3, 4, 2), (5, 2, 1)]
    steps = drive(agent, lengths, extra=2)  # the last two belong to episodes that have not ended
    fields = {name: torch.zeros(2, 3, 5, *shape) for name, shape in (("seen", (39,)), ("action", (4,)), ("reward", ()))}
    mask = torch.zeros(2, 3, 5, dtype=torch.bool)
    for task, own in enumerate(lengths):
        start = 0
        for episode, length in enumerate(own):
            for time in range(length):
                row = steps[start + time]
                for leaf, value in zip(fields.values(), row, strict=True):
                    leaf[task, episode, time] = value[task]
                mask[task, episode, time] = True
            start += length
    with torch.no_grad():
        policy = learner.network(fields["seen"])
    said = log_prob(policy, fields["action"])
    found = Trajectories(fields["seen"], fields["action"], fields["reward"], said, policy, mask, torch.arange(2))
    expected = Policies(learner).adapted(found.examples(advantages(found)))
    agent.adapt()
    for name, value in agent.policies.state.parameters.items():
        assert torch.allclose(value, expected.state.parameters[name], atol=1e-5)
    seen = torch.randn(2, 39)
    means = expected(seen[:, None]).mean[:, 0].clamp(-1, 1).double()
    assert torch.allclose(torch.tensor(agent.eval_action(seen.numpy())), means, atol=1e-5)


def test_an_agent_that_diverged_stops():
    agent = MetaWorldAgent(learner_of())
    with torch.no_grad():
        agent.learner.network.body[0].weight.fill_(float("nan"))
    for act in (agent.adapt_action, agent.eval_action):
        with pytest.raises(TrainingError, match="gives NaN or infinity"):
            act(np.zeros((2, 39)))


def test_the_agent_forgets_and_acts_within_the_bounds():
    agent = MetaWorldAgent(maml_policy(GaussianPolicy(39, 4, (8,), std=3.0)))
    drive(agent, [(2,), (2,)])
    agent.adapt()
    agent.init()
    assert agent.policies.state is None
    action, said = agent.adapt_action(np.zeros((2, 39)))
    assert np.abs(action).max() <= 1 < np.abs(said["drawn"]).max()


def test_no_whole_episode_is_refused():
    agent = MetaWorldAgent(learner_of())
    with pytest.raises(DataError, match="No episode has ended"):
        agent.adapt()
    drive(agent, [(2,), (9,)])
    agent._steps = agent._steps[:4]
    with pytest.raises(DataError, match="No episode has ended"):
        agent.adapt()


def test_a_learner_with_a_memory_is_refused():
    with pytest.raises(ConfigurationError, match="maml_policy"):
        MetaWorldAgent(RL2(39, Continuous(4, -1, 1)))
