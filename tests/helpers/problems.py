"""Small tasks and small networks in float64."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from innerloop.networks import Backbone, Norm, conv4, mlp
from innerloop.task import Examples, Task, stack

PICTURE = (1, 16, 16)


def classes(
    rows: int, ways: int = 3, shape: Sequence[int] = (4,), *, generator: torch.Generator, shift: Tensor
) -> Examples:
    """`rows` examples whose inputs lean towards their class."""
    y = torch.arange(rows) % ways
    x = torch.randn(rows, *shape, generator=generator, dtype=torch.float64) + shift[y]
    return Examples(x, y, ways=ways)


def classification(
    sizes: Sequence[tuple[int, int]] = ((6, 6), (6, 6), (6, 6)),
    ways: int = 3,
    shape: Sequence[int] = (4,),
    seed: int = 0,
) -> list[Task]:
    """Tasks of the given (support, query) sizes."""
    tasks = []
    for index, (support, query) in enumerate(sizes):
        generator = torch.Generator().manual_seed(1000 * seed + index)
        shift = torch.randn(ways, *shape, generator=generator, dtype=torch.float64)
        tasks.append(
            Task(
                support=classes(support, ways, shape, generator=generator, shift=shift),
                query=classes(query, ways, shape, generator=generator, shift=shift),
                index=torch.tensor(index),
            )
        )
    return tasks


def regression(sizes: Sequence[tuple[int, int]] = ((5, 7), (5, 7), (5, 7)), seed: int = 0) -> list[Task]:
    """Sinusoids of different phases, four inputs."""
    tasks = []
    for index, (support, query) in enumerate(sizes):
        generator = torch.Generator().manual_seed(1000 * seed + index)
        x = torch.randn(support + query, 4, generator=generator, dtype=torch.float64)
        y = torch.sin(x.sum(1, keepdim=True) + index)
        tasks.append(
            Task(
                support=Examples(x[:support], y[:support]),
                query=Examples(x[support:], y[support:]),
                index=torch.tensor(index),
            )
        )
    return tasks


def batch(**settings) -> Task:
    """Three stacked classification tasks of equal size."""
    return stack(classification(**settings))


def pictures(**settings) -> Task:
    """Three stacked tasks of small pictures."""
    return stack(classification(shape=PICTURE, **settings))


def doubled(network: nn.Module) -> nn.Module:
    """The network in float64, its norm layers away from where they start."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Norm):
                module.weight.add_(0.2 * torch.randn_like(module.weight))
                module.bias.add_(0.2 * torch.randn_like(module.bias))
    return network.double()


def perceptron(outputs: int | None = 3, activation: str = "relu") -> nn.Module:
    """4 -> 5 -> 5 -> outputs."""
    return doubled(mlp(4, outputs, [5, 5], activation=activation, initial="he"))


def normed(outputs: int | None = 3, activation: str = "relu") -> nn.Module:
    """4 -> 5 -> norm -> outputs."""
    act = nn.ReLU() if activation == "relu" else nn.Softplus()
    head = nn.Identity() if outputs is None else nn.Linear(5, outputs)
    return doubled(Backbone(nn.Sequential(nn.Linear(4, 5), Norm(5), act), head, 5))


def convolutional(outputs: int | None = 3, activation: str = "relu", downsample: str = "pool", norm: bool = True):
    """Conv-4 with three filters on pictures of 16 x 16."""
    return doubled(conv4(outputs, 3, size=16, downsample=downsample, norm=norm, activation=activation))
