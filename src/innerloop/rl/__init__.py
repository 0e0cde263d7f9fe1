"""Meta-reinforcement learning: policies that adapt to a new task from a few episodes."""

from innerloop.actors import RayActors
from innerloop.rl._acting import Acting
from innerloop.rl._advantages import advantages, baseline
from innerloop.rl._algorithm import Algorithm
from innerloop.rl._bandit_rivals import UCB1, BanditRule, RandomArm, Thompson
from innerloop.rl._bandits import Bandits, BanditTasks
from innerloop.rl._collect import collect
from innerloop.rl._course import Round, Sampling, When
from innerloop.rl._distributions import (
    CategoricalActions,
    NormalActions,
    draw,
    entropy,
    kl,
    likeliest,
    log_prob,
)
from innerloop.rl._environments import Environments, EnvironmentSplits, episode_keys
from innerloop.rl._evaluate import Returns, evaluate_policy
from innerloop.rl._gymnasium import register
from innerloop.rl._learner import PolicyLearner, maml_policy
from innerloop.rl._locomotion import AntDirTasks, HalfCheetahDirTasks, HalfCheetahVel, HalfCheetahVelTasks
from innerloop.rl._losses import Clipped, dice, lvc, reinforce
from innerloop.rl._metaworld import MetaWorld, MetaWorldTasks
from innerloop.rl._metaworld_protocol import MetaWorldAgent
from innerloop.rl._navigation import Navigation, NavigationTasks
from innerloop.rl._policies import Policies
from innerloop.rl._policy import CategoricalPolicy, GaussianPolicy, policy_for
from innerloop.rl._pooled import Pooled
from innerloop.rl._ppo import PPO
from innerloop.rl._promp import ProMP
from innerloop.rl._rates import best_rate, cross_judged, evaluate_rates
from innerloop.rl._rl2 import RL2
from innerloop.rl._simulated import SimulatedEnvironments
from innerloop.rl._spaces import Continuous, Discrete
from innerloop.rl._spec import from_spec
from innerloop.rl._tabular import Tabular, TabularTasks
from innerloop.rl._tensor_environments import Step, TensorEnvironments
from innerloop.rl._train import Training, train
from innerloop.rl._trajectories import Decisions, Trajectories
from innerloop.rl._trpo import TRPO

__all__ = [
    "PPO",
    "RL2",
    "TRPO",
    "UCB1",
    "Acting",
    "Algorithm",
    "AntDirTasks",
    "BanditRule",
    "BanditTasks",
    "Bandits",
    "CategoricalActions",
    "CategoricalPolicy",
    "Clipped",
    "Continuous",
    "Decisions",
    "Discrete",
    "EnvironmentSplits",
    "Environments",
    "GaussianPolicy",
    "HalfCheetahDirTasks",
    "HalfCheetahVel",
    "HalfCheetahVelTasks",
    "MetaWorld",
    "MetaWorldAgent",
    "MetaWorldTasks",
    "Navigation",
    "NavigationTasks",
    "NormalActions",
    "Policies",
    "PolicyLearner",
    "Pooled",
    "ProMP",
    "RandomArm",
    "RayActors",
    "Returns",
    "Round",
    "Sampling",
    "SimulatedEnvironments",
    "Step",
    "Tabular",
    "TabularTasks",
    "TensorEnvironments",
    "Thompson",
    "Training",
    "Trajectories",
    "When",
    "advantages",
    "baseline",
    "best_rate",
    "collect",
    "cross_judged",
    "dice",
    "draw",
    "entropy",
    "episode_keys",
    "evaluate_policy",
    "evaluate_rates",
    "from_spec",
    "kl",
    "likeliest",
    "log_prob",
    "lvc",
    "maml_policy",
    "policy_for",
    "register",
    "reinforce",
    "train",
]
