"""Optimisers made of memories of gradients, each lane with its own: for `GradientLearner`.

The rules are those of `rules` and `delta`. Whatever has a length (a matrix to be turned, a
direction to make room in) is measured lane by lane, so lanes never meet. A parameter is
(seeds, …, in, out); what is (seeds, n) counts as one row a lane, such as a bias.

    learner = GradientLearner(mlp(64, 100, 10, seeds=20), lr=0.02, optimiser=Muon)
    partial(Muon, keep=0.9) sets more than the learning rate.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError
from clcourse.nested.delta import delta_descent, delta_momentum
from clcourse.nested.rules import momentum, newton_schulz
from clcourse.nets import MLP


class Optimiser:
    """The interface of torch.optim; a kind says by `_move` how a gradient becomes a step."""

    def __init__(self, parameters, lr: float, **shares: float) -> None:
        if not lr > 0:
            raise CourseError(f"lr={lr!r} learns nothing; expected a number above 0: try lr=0.1.")
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise CourseError(f"{name}={share!r}; expected a number from 0 to 1: try 0.9.")
        self.parameters, self.lr = list(parameters), lr
        self.memories = [self._start(_matrices(one)) for one in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for number, parameter in enumerate(self.parameters):
            if parameter.grad is not None:
                self.memories[number], step = self._move(
                    self.memories[number], _matrices(parameter.grad)
                )
                parameter.add_(step.reshape(parameter.shape))

    def zero_grad(self) -> None:
        """Forget the gradients; what is remembered of them stays."""
        for parameter in self.parameters:
            parameter.grad = None

    def _start(self, parameter):
        """What is remembered at first."""
        return torch.zeros_like(parameter)

    def _move(self, memory, g):
        """(memory, what is added to the parameter)."""
        raise NotImplementedError


def _matrices(parameter: torch.Tensor) -> torch.Tensor:
    """A parameter as (seeds, …, in, out)."""
    parameter = parameter.detach()
    if parameter.dim() == 0:
        raise CourseError("A parameter is one number; expected a first axis with the lanes.")
    missing = max(0, 3 - parameter.dim())
    return parameter.reshape(parameter.shape[0], *[1] * missing, *parameter.shape[1:])


class Momentum(Optimiser):
    """W ← W + m with m ← μ m - η g: SGD with momentum of torch.optim (33-34)."""

    def __init__(self, parameters, lr: float, *, keep: float = 0.9) -> None:
        super().__init__(parameters, lr, keep=keep)
        self.keep = keep

    def _move(self, m, g):
        m = momentum(m, g, lr=self.lr, keep=self.keep)
        return m, m


class Muon(Optimiser):
    """W ← W + η √max(1, out/in) O, with O the momentum turned by Newton-Schulz (43-44).

    Jordan et al. 2024, without Nesterov's step and for biases, too: a row is brought to length 1.
    """

    def __init__(self, parameters, lr: float, *, keep: float = 0.95, steps: int = 5) -> None:
        super().__init__(parameters, lr, keep=keep)
        self.keep, self.steps = keep, steps

    def _move(self, m, g):
        m = momentum(m, g, lr=1.0, keep=self.keep)
        longer = max(1.0, m.shape[-1] / m.shape[-2]) ** 0.5
        return m, self.lr * longer * newton_schulz(m, self.steps)


class DeltaMomentum(Optimiser):
    """W ← W + m with m ← (μ - ĝ ĝ') m - η g, and ĝ = g / |g| lane by lane (46-49, P = I).

    The paper takes g as it is, which explodes where |g|² > 1 + μ and does nothing where g is
    small. On a straight slope this memory hardly gathers speed: what it holds along g it gives up.
    """

    def __init__(self, parameters, lr: float, *, keep: float = 0.9) -> None:
        super().__init__(parameters, lr, keep=keep)
        self.keep = keep

    def _move(self, m, g):
        direction = F.normalize(g.flatten(-2), dim=-1).unflatten(-1, g.shape[-2:])
        m = delta_momentum(m, direction, lr=0.0, keep=self.keep) - self.lr * g
        return m, m


class DeltaDescent(Optimiser):
    """Delta gradient descent in every layer of an MLP, by the exact step for a batch (56-57).

    The rule needs what a layer has read, and an optimiser is handed gradients only. So this one
    listens: it keeps the batch that last went into `network` while gradients were on, and makes
    the inputs of the layers above from it once more. A bias is the weight of an input that is 1.

        GradientLearner(net, lr=0.1, optimiser=partial(DeltaDescent, network=net))

    Each step also pulls x W to zero where x was seen: with a squared loss a network of one layer
    ends at half of its target, with cross-entropy where the logits are one-hot less the softmax.
    """

    def __init__(self, parameters, lr: float, *, network: MLP) -> None:
        super().__init__(parameters, lr)
        own = {id(one) for one in network.parameters()} if isinstance(network, MLP) else set()
        if own != {id(one) for one in self.parameters}:
            raise CourseError(
                "DeltaDescent has to know what every layer reads; expected network= the MLP whose "
                "parameters it moves: try partial(DeltaDescent, network=net)."
            )
        self.network, self.x = network, None
        network.register_forward_pre_hook(self._listen)

    def _start(self, parameter):
        return None

    def _listen(self, network, inputs) -> None:
        if torch.is_grad_enabled():
            self.x = inputs[0].detach()

    @torch.no_grad()
    def step(self) -> None:
        """Move every layer to the exact minimum of its inner loss."""
        if self.x is None:
            raise CourseError("Nothing has gone into the network yet; expected a loss of it first.")
        h = self.x
        for W, b in zip(self.network.weights, self.network.biases, strict=True):
            read, whole = torch.cat([h, torch.ones_like(h[..., :1])], -1), torch.cat([W, b], 1)
            h = (read @ whole).relu()
            moved = delta_descent(whole, read, torch.cat([W.grad, b.grad], 1), lr=self.lr)
            W.copy_(moved[:, :-1])
            b.copy_(moved[:, -1:])
