"""Toy networks with a seed axis: twenty networks in one tensor, written as if there were one.

Weights are (seeds, in, out) and inputs (seeds, batch, in), so `x @ W + b` is one batched matrix
product for all lanes. Each lane's weights come from its own generator: lane 7 starts from the
same weights whether it is alone or among thirty-two.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds, device


class MLP(nn.Module):
    """A multi-layer perceptron of ReLU layers, once for each lane.

    h_0 = x,  h_l = max(0, h_{l-1} W_l + b_l),  logits = h_{L-1} W_L + b_L

    x  (seeds, batch, in) → logits (seeds, batch, out). Weights and biases start uniform in
    ±1/sqrt(in), as in torch.nn.Linear.
    """

    def __init__(self, sizes: tuple[int, ...], seeds: Seeds) -> None:
        super().__init__()
        random = LaneRandom(seeds, "mlp weights")
        self.sizes, self.seeds = sizes, random.seeds
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for inputs, outputs in zip(sizes, sizes[1:], strict=False):
            uniform = random.uniform((inputs + 1) * outputs).reshape(-1, inputs + 1, outputs)
            start = ((2 * uniform - 1) / inputs**0.5).float()
            self.weights.append(nn.Parameter(start[:, :inputs].contiguous()))
            self.biases.append(nn.Parameter(start[:, inputs:].contiguous()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (seeds, batch, out)."""
        h = self.hidden(x)
        return torch.baddbmm(self.biases[-1], h, self.weights[-1])

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """Activities of the last hidden layer (seeds, batch, units): what the readout reads."""
        h = x
        for weight, bias in list(zip(self.weights, self.biases, strict=True))[:-1]:
            h = torch.baddbmm(bias, h, weight).relu()
        return h

    def copy(self) -> MLP:
        """An independent copy of the networks."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        return f"MLP {'-'.join(map(str, self.sizes))} with {len(self.seeds)} lanes"


def mlp(*sizes: int, seeds: Seeds = 1) -> MLP:
    """Networks of the given layer sizes, one a lane, on `cl.device()`.

    mlp(64, 100, 10, seeds=20): 64 inputs, 100 hidden units, 10 outputs, twenty times.
    """
    whole = all(isinstance(size, int) and not isinstance(size, bool) for size in sizes)
    if len(sizes) < 2 or not whole or min(sizes) < 1:
        raise CourseError(
            f"mlp{sizes} is no network; expected at least two layer sizes of 1 or more: "
            "try mlp(64, 100, 10)."
        )
    return MLP(sizes, seeds).to(device())
