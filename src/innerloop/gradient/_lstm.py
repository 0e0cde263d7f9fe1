"""An inner optimiser that is a recurrent network: the LSTM meta-learner."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from innerloop.demands import at_least, between
from innerloop.gradient._optimisers import InnerOptimiser, OptimiserState, Parameters
from innerloop.networks._lstm_step import lstm_step


class LSTMOptimiser(InnerOptimiser):
    """The parameters are the cell of an LSTM whose gates are learned: how much to forget, how much of `-g` to take.

        h_t = LSTM(x_t, h_{t-1}),   x_t = (scaled gradient, scaled loss)
        i_t = sigmoid(W_i [h_t, p_{t-1}, i_{t-1}] + b_i)
        f_t = sigmoid(W_f [h_t, p_{t-1}, f_{t-1}] + b_f)
        p_t = f_t p_{t-1} - i_t g_t

    One set of weights serves every coordinate; each coordinate has a hidden state of its own. Gradients are taken as
    constants (`FirstOrder`), as in the paper.

    Args:
        hidden: size of the hidden state of a coordinate.
        rate: where the input gate starts, the learning rate before meta-training; more than 0 and less than 1.

    Raises:
        ConfigurationError: for a rate or a size that cannot be.

    Source: Ravi and Larochelle 2017, "Optimization as a model for few-shot learning", section 3 (equations 2 to 4,
    parameter sharing and preprocessing of 3.2), with its hidden size of 20; scaling of the inputs: Andrychowicz et
    al. 2016, appendix A. The forget gate starts near 1, as there: nothing is forgotten.
    """

    def __init__(self, hidden: int = 20, rate: float = 0.01):
        super().__init__()
        # the rate is where a sigmoid starts
        self.hidden, self.rate = at_least("hidden=", hidden, 1), between("The inner learning rate", rate, usual=0.01)
        self.gates = nn.Linear(4 + hidden, 4 * hidden)
        self.keep = nn.Linear(hidden + 2, 1)
        self.take = nn.Linear(hidden + 2, 1)
        with torch.no_grad():
            for layer in (self.gates, self.keep, self.take):
                layer.weight.uniform_(-0.01, 0.01)  # the paper's code: small, so that the gates start at their biases
            self.gates.bias.zero_()
            self.keep.bias.fill_(5.0)  # sigmoid(5) = 0.993
            self.take.bias.fill_(_logit(rate))

    def build(self, parameters: Parameters) -> None:
        """Takes the type and the device of the parameters."""
        like = next(iter(parameters.values()))
        self.to(device=like.device, dtype=like.dtype)

    def init(self, parameters: Parameters) -> OptimiserState:
        """Zero hidden states; gates as if they had been at their biases."""
        found: OptimiserState = {"hidden": {}, "cell": {}, "keep": {}, "take": {}}
        for name, p in parameters.items():
            for part, width in (("hidden", self.hidden), ("cell", self.hidden)):
                found[part][name] = p.new_zeros((p.numel(), width))
            found["keep"][name] = torch.sigmoid(self.keep.bias).expand(p.numel(), 1)
            found["take"][name] = torch.sigmoid(self.take.bias).expand(p.numel(), 1)
        return found

    def update(
        self, gradients: Parameters, state: OptimiserState, parameters: Parameters, step: int, loss: Tensor
    ) -> tuple[Parameters, OptimiserState]:
        """One step of the recurrent network on every coordinate."""
        new: Parameters = {}
        after: OptimiserState = {part: {} for part in state}
        for name, p in parameters.items():
            gradient, value = gradients[name].reshape(-1, 1), p.reshape(-1, 1)
            seen = torch.cat([_scaled(gradient), _scaled(loss.detach().reshape(1)).expand(len(gradient), 2)], dim=1)
            gates = self.gates(torch.cat([seen, state["hidden"][name]], dim=1))
            hidden, cell = lstm_step(gates, state["cell"][name])
            take = torch.sigmoid(self.take(torch.cat([hidden, value, state["take"][name]], dim=1)))
            keep = torch.sigmoid(self.keep(torch.cat([hidden, value, state["keep"][name]], dim=1)))
            new[name] = (keep * value - take * gradient).reshape(p.shape)
            after["hidden"][name], after["cell"][name] = hidden, cell
            after["keep"][name], after["take"][name] = keep, take
        return new, after

    def extra_repr(self) -> str:
        """Shown by `print`."""
        return f"hidden={self.hidden}, rate={self.rate}"


def _scaled(x: Tensor, p: float = 10.0) -> Tensor:
    """Magnitude and sign apart, `(..., 1) -> (..., 2)`, so that gradients of any size can be told from each other."""
    large = x.abs() >= torch.e**-p
    magnitude = torch.where(large, torch.where(large, x.abs(), 1).log() / p, -1.0)
    return torch.cat([magnitude, torch.where(large, x.sign(), torch.e**p * x)], dim=-1)


def _logit(p: float) -> float:
    return float(torch.logit(torch.tensor(p, dtype=torch.float64)))
