"""The SVM's dual programme a second time: slowly, by projected gradients in numpy, then exactly on the active set."""

import numpy as np
import torch
from torch import Tensor


def onto_simplex(rows: np.ndarray, total: float) -> np.ndarray:
    """The nearest points with entries >= 0 that sum to `total`, row by row."""
    ordered = -np.sort(-rows, axis=1)
    excess = ordered.cumsum(1) - total
    count = np.arange(1, rows.shape[1] + 1)
    last = (ordered - excess / count > 0).sum(1)
    shift = excess[np.arange(len(rows)), last - 1] / last
    return np.maximum(rows - shift[:, None], 0)


def slacks(matrix: np.ndarray, member: np.ndarray, cost: float, steps: int = 20_000) -> np.ndarray:
    """`b = C y - a`: accelerated projected gradients, until nothing moves."""
    rate = 1 / np.linalg.eigvalsh(matrix)[-1]
    b = ahead = np.full(member.shape, cost / member.shape[1])
    momentum = 1.0
    for _ in range(steps):
        slope = matrix @ (ahead - cost * member) + member
        new = onto_simplex(ahead - rate * slope, cost)
        if np.sum((ahead - new) * (new - b)) > 0:  # it went too far: start again from here
            momentum = 1.0
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead, moved = new + (momentum - 1) / following * (new - b), np.abs(new - b).max()
        b, momentum = new, following
        if moved < 1e-15 * cost:
            break
    return b


def svm(gram: Tensor, member: Tensor, cost: float, smoothing: float) -> Tensor:
    """Dual weights `(N, W)`, differentiable where a small change leaves the active set alone.

    Which weights stand at their bounds is found by numpy; given that, the solution is one linear system.
    """
    n, ways = member.shape
    matrix = gram + smoothing * torch.eye(n, dtype=gram.dtype)
    b = slacks(matrix.detach().numpy(), member.detach().numpy(), cost)
    free = np.flatnonzero(b > 1e-7 * cost)
    row, column = free // ways, free % ways
    size = len(free)
    # (Q b - C Q y + y - nu)_free = 0,  sums of b = C
    block = matrix[row][:, row] * torch.tensor(column[:, None] == column[None], dtype=gram.dtype)
    sums = torch.tensor(row[:, None] == np.arange(n)[None], dtype=gram.dtype)
    system = torch.cat([torch.cat([block, -sums], 1), torch.cat([sums.T, torch.zeros(n, n, dtype=gram.dtype)], 1)])
    right = (cost * matrix @ member - member)[row, column]
    found = torch.linalg.solve(system, torch.cat([right, torch.full((n,), cost, dtype=gram.dtype)]))[:size]
    exact = torch.zeros(n * ways, dtype=gram.dtype).index_put((torch.tensor(free),), found).view(n, ways)
    assert exact.detach().min() >= 0, "another active set"
    return cost * member - exact


def violation(alpha: Tensor, gram: Tensor, member: Tensor, cost: float, smoothing: float) -> float:
    """By how much the optimality conditions of the programme are missed, at most."""
    matrix = gram + smoothing * torch.eye(len(gram), dtype=gram.dtype)
    b = cost * member - alpha
    slope = matrix @ (b - cost * member) + member
    nu = slope.gather(1, b.argmax(1, keepdim=True))  # where b > 0 nothing presses against a bound
    pressure = slope - nu
    misses = (alpha.sum(1).abs().max(), (-b).max(), (-pressure).max(), (pressure * b).abs().max())
    return max(float(miss) for miss in misses)
