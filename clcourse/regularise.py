"""Hold on to what mattered: penalties that make important weights stiff (EWC, SI, LwF).

A penalty has three moments. `loss` adds to the loss of a batch; `step` acts after the optimiser
has moved the weights; `consolidate` takes stock at a boundary, which is why all three need to be
told where an experience ends.
"""

from __future__ import annotations

import torch
from torch.func import functional_call, grad, vmap

from clcourse.errors import CourseError
from clcourse.nets import MLP
from clcourse.streams import Experience


class Penalty:
    """What the learner asks of a penalty; this one asks for nothing."""

    needs_boundaries = True

    def __init__(self, strength: float) -> None:
        if not 0 <= strength < float("inf"):
            raise CourseError(
                f"strength={strength!r}; expected a finite number of at least 0: "
                "sweep powers of ten on validation data."
            )
        self.strength = strength

    def loss(self, network, x, answers) -> torch.Tensor | float:
        """What is added to the loss of a batch: (seeds,), or nothing."""
        return 0.0

    def step(self, network, lr: float) -> None:
        """What happens after the optimiser's step."""

    def consolidate(self, network, experience: Experience) -> None:
        """What is kept of an experience that has ended."""

    def kept(self) -> list[torch.Tensor]:
        """The tensors that are kept, (seeds, …) each."""
        return []

    def memory_bytes(self) -> int:
        """Bytes a lane."""
        return sum(part[0].numel() * part.element_size() for part in self.kept())


class Anchored(Penalty):
    """A quadratic pull, ½ λ Σ_t Σ_k s_tk (θ_k - θ*_tk)², towards the weights after each task t.

    With the running sums S = Σ s_t and M = Σ s_t θ*_t it needs no list of tasks. A gradient step
    of the pull overshoots and diverges where lr λ S > 2, so it is taken implicitly:

        θ ← (θ + lr λ M) / (1 + lr λ S)

    which has the same fixed points, is plain gradient descent at S = 0, and goes to the anchor
    M/S, never past it, as λ grows.
    """

    def __init__(self, strength: float) -> None:
        super().__init__(strength)
        self.stiffness: list[torch.Tensor] = []
        self.pull: list[torch.Tensor] = []

    @torch.no_grad()
    def step(self, network, lr: float) -> None:
        """The implicit step of the pull."""
        rate = lr * self.strength
        for θ, S, M in zip(network.parameters(), self.stiffness, self.pull, strict=False):
            θ.add_(M, alpha=rate).div_(1 + rate * S)

    @torch.no_grad()
    def anchor(self, network, importance: list[torch.Tensor]) -> None:
        """Make the current weights an anchor, each as stiff as it is important."""
        weights = list(network.parameters())
        if not self.stiffness:
            self.stiffness = [torch.zeros_like(θ) for θ in weights]
            self.pull = [torch.zeros_like(θ) for θ in weights]
        for θ, s, S, M in zip(weights, importance, self.stiffness, self.pull, strict=True):
            S += s
            M += s * θ

    def kept(self) -> list[torch.Tensor]:
        """S and M."""
        return [*self.stiffness, *self.pull]


class EWC(Anchored):
    """Elastic weight consolidation (Kirkpatrick et al. 2017, eq. 3): stiffness = exact Fisher.

    F_k = mean over x of Σ_c p(c|x) (∂ log p(c|x) / ∂θ_k)²: what the network itself would answer,
    not the label. Squaring the mean gradient of a batch of 32 instead makes it some 40 to 200 times
    smaller, more so late in training: such a strength is worth little in another program.
    """

    def consolidate(self, network, experience: Experience) -> None:
        """Add the experience's Fisher, at the weights it ended with."""
        self.anchor(network, fisher(network, experience.x, experience.allowed))


class SI(Anchored):
    """Synaptic intelligence (Zenke, Poole & Ganguli 2017, eqs 3-5): importance earned on the way.

    w_k sums -g_k Δθ_k, how much the movement of weight k lowered the task's loss; at a boundary
    Ω_k += max(0, w_k / ((θ_k - start_k)² + damping)). The paper's c Σ Ω (θ - θ*)², without ½.
    """

    def __init__(self, strength: float, damping: float = 1e-3) -> None:
        super().__init__(2 * strength)
        if not damping > 0:
            raise CourseError(f"damping={damping!r}; expected a number above 0: try 1e-3.")
        self.damping = damping
        self.start: list[torch.Tensor] = []
        self.before: list[torch.Tensor] = []
        self.work: list[torch.Tensor] = []

    def loss(self, network, x, answers) -> float:
        """Nothing; it notes where the weights stand before the step."""
        self.before = [θ.detach().clone() for θ in network.parameters()]
        if not self.work:
            self.start = [θ.clone() for θ in self.before]
            self.work = [torch.zeros_like(θ) for θ in self.before]
        return 0.0

    @torch.no_grad()
    def step(self, network, lr: float) -> None:
        """The implicit step of the pull, then the work of the whole step."""
        super().step(network, lr)
        for θ, before, work in zip(network.parameters(), self.before, self.work, strict=True):
            work -= θ.grad * (θ - before)

    @torch.no_grad()
    def consolidate(self, network, experience: Experience) -> None:
        """Turn the work of the experience into stiffness around a new anchor."""
        if not self.work:
            return
        weights = list(network.parameters())
        earned = [
            (work / ((θ - start) ** 2 + self.damping)).clamp(min=0)
            for θ, start, work in zip(weights, self.start, self.work, strict=True)
        ]
        if self.stiffness:
            earned = [S + e for S, e in zip(self.stiffness, earned, strict=True)]
        self.stiffness, self.pull = [], []  # the paper has one anchor, the latest
        self.anchor(network, earned)
        self.work = []

    def kept(self) -> list[torch.Tensor]:
        """S, M, and what the next boundary needs."""
        return [*super().kept(), *self.start, *self.work]


class LwF(Penalty):
    """Learning without forgetting (Li & Hoiem 2016): answer new inputs as the old network did.

    loss = strength · τ² · CE(softmax(z_old / τ), softmax(z / τ)), summed over the heads of earlier
    tasks where the learner is told the task, over all classes seen so far where it is not.
    """

    def __init__(self, strength: float = 1.0, temperature: float = 2.0) -> None:
        super().__init__(strength)
        if not temperature > 0:
            raise CourseError(f"temperature={temperature!r}; expected a number above 0: try 2.")
        self.temperature, self.teacher, self.heads = temperature, None, []

    def loss(self, network, x, answers) -> torch.Tensor | float:
        """Disagreement with the old network on the new inputs: (seeds,)."""
        if self.teacher is None:
            return 0.0
        τ = self.temperature
        with torch.no_grad():
            old = self.teacher(x)
        total = 0.0
        for head in self.heads:
            target = (old.masked_fill(~head, -1e9) / τ).softmax(dim=-1)
            answer = (answers.masked_fill(~head, -1e9) / τ).log_softmax(dim=-1)
            total = total - (target * answer).sum(dim=-1).mean(dim=1)
        return self.strength * τ**2 * total

    def consolidate(self, network, experience: Experience) -> None:
        """The network as it is becomes the teacher of the next experience."""
        self.teacher = network.copy()
        if experience.allowed is not None:
            self.heads.append(experience.allowed[:, None])
            return
        classes = torch.zeros_like(network(experience.x[:, :1]), dtype=torch.bool)
        seen = classes.scatter(2, experience.y[:, None], True)
        self.heads = [seen | self.heads[0] if self.heads else seen]

    def kept(self) -> list[torch.Tensor]:
        """The old network."""
        return [] if self.teacher is None else list(self.teacher.parameters())


def fisher(network, x: torch.Tensor, allowed: torch.Tensor | None = None) -> list[torch.Tensor]:
    """The exact diagonal Fisher information, a tensor for each parameter.

    x  (seeds, n, features); allowed (seeds, classes) restricts the answers before the softmax.
    """
    exact = fisher_of_mlp if isinstance(network, MLP) else fisher_by_sample
    return exact(network, x, allowed)


@torch.no_grad()
def fisher_of_mlp(network: MLP, x, allowed=None) -> list[torch.Tensor]:
    """Closed form for an MLP: no sample's gradient is ever written out.

    A sample's weight gradient is the outer product h δᵀ, and (h δᵀ)² = h² (δ²)ᵀ entry by entry. So
    for each class c, δ = onehot(c) - p runs backwards, and F_W = Σ_c (h²)ᵀ (p_c δ²) / n.
    """
    layers = list(zip(network.weights, network.biases, strict=True))
    activities = [x]
    for W, b in layers[:-1]:
        activities.append(torch.baddbmm(b, activities[-1], W).relu())
    logits = torch.baddbmm(layers[-1][1], activities[-1], layers[-1][0])
    p = (logits if allowed is None else logits.masked_fill(~allowed[:, None], -1e9)).softmax(-1)
    F_W, F_b = ([torch.zeros_like(θ) for θ in part] for part in (network.weights, network.biases))
    for c in range(p.shape[-1]):
        δ = -p.clone()
        δ[..., c] += 1
        for layer in reversed(range(len(layers))):
            h, weighted = activities[layer], p[..., c : c + 1] * δ**2 / x.shape[1]
            F_W[layer].baddbmm_((h**2).transpose(1, 2), weighted)
            F_b[layer] += weighted.sum(dim=1, keepdim=True)
            δ = (δ @ layers[layer][0].transpose(1, 2)) * (h > 0)
    return [*F_W, *F_b]


def fisher_by_sample(network, x, allowed=None) -> list[torch.Tensor]:
    """The same for any network with a seed axis, from the gradient of every sample and class."""
    names = [name for name, _ in network.named_parameters()]
    weights = {name: θ.detach() for name, θ in network.named_parameters()}

    def log_p(weights, one, c):
        logits = functional_call(network, weights, (one,))
        if allowed is not None:
            logits = logits.masked_fill(~allowed[:, None], -1e9)
        return logits.log_softmax(-1)[..., c].sum()

    with torch.no_grad():
        p = network(x)
        p = (p if allowed is None else p.masked_fill(~allowed[:, None], -1e9)).softmax(-1)
    total = {name: torch.zeros_like(θ) for name, θ in weights.items()}
    samples = x.transpose(0, 1)[:, :, None]  # (n, seeds, 1, features)
    for c in range(p.shape[-1]):
        each = vmap(grad(log_p), in_dims=(None, 0, None), chunk_size=16)(weights, samples, c)
        for name in names:
            chance = p[..., c].T.reshape(*p.shape[1::-1], *[1] * (each[name].dim() - 2))
            total[name] += (chance * each[name] ** 2).mean(dim=0)
    return [total[name] for name in names]
