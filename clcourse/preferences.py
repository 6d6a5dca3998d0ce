"""Tune a policy from what people prefer, and measure how far it drifts from where it began.

A *policy* gives each possible answer y to a prompt x a probability, π(y|x) = softmax(logits)[y].
Tuning looks for answers with a high reward r that stay close to the policy it starts from, π_ref:

    maximise  E[r(x, y)] - β KL(π || π_ref),  whose solution is  π* = π_ref exp(r / β) / Z    (1)

(Rafailov et al. 2023, eq. 3 and 4). r is what people like; all we see are choices between two
answers, which Bradley & Terry (1952) describe by P(first wins) = σ(r_first - r_second).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError
from clcourse.learner import SGD, cross_entropy
from clcourse.nets import MLP, mlp
from clcourse.seeds import LaneRandom, Seeds
from clcourse.worlds import permuted_digits


def draw(logits: torch.Tensor, random: LaneRandom) -> torch.Tensor:
    """Answers drawn from the policy: logits (seeds, batch, answers) → (seeds, batch)."""
    height = random.uniform(logits.shape[1]).to(logits.device)
    steps = logits.detach().double().softmax(dim=-1).cumsum(dim=-1)
    return (steps < height[..., None]).sum(dim=-1).clamp(max=logits.shape[-1] - 1)


def log_probability(logits: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """log π(y|x) of given answers (seeds, batch): (seeds, batch)."""
    return logits.log_softmax(dim=-1).gather(-1, answers[..., None])[..., 0]


def kl(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """KL(first || second) = Σ_y p_first log(p_first / p_second), mean over prompts: (seeds,).

    Both are logits (seeds, batch, answers). In nats; not symmetric: kl(base, tuned) is the
    *forward* KL of RL's Razor (Shenfeld 2025), kl(tuned, base) the *reverse* KL of eq. 1.
    """
    if first.shape != second.shape or first.dim() != 3:
        raise CourseError(
            f"kl got logits {tuple(first.shape)} and {tuple(second.shape)}; expected two of shape "
            "(seeds, batch, answers): ask both policies the same prompts."
        )
    first, second = first.log_softmax(dim=-1), second.log_softmax(dim=-1)
    return (first.exp() * (first - second)).sum(dim=-1).mean(dim=1)


def optimum(reference: torch.Tensor, reward: torch.Tensor, beta: float) -> torch.Tensor:
    """Log-probabilities of the best policy of eq. 1: log π_ref + r / β - log Z, shape as given."""
    _check_beta(beta)
    return (reference.log_softmax(dim=-1) + reward / beta).log_softmax(dim=-1)


@torch.no_grad()
def win_rate(logits: torch.Tensor, others: torch.Tensor, liking: torch.Tensor) -> torch.Tensor:
    """How often people prefer an answer of one policy to one of the other: (seeds,), 0.5 is even.

    Exact, no drawing: Σ p(y) q(y') σ(liking_y - liking_y'), mean over prompts; all arguments
    (seeds, prompts, answers).
    """
    both = logits.softmax(dim=-1)[..., :, None] * others.softmax(dim=-1)[..., None, :]
    preferred = (liking[..., :, None] - liking[..., None, :]).sigmoid()
    return (both * preferred).sum(dim=(2, 3)).mean(dim=1)


class Preferences(NamedTuple):
    """Pairs of answers to prompts x (seeds, n, in): which won, which lost, both (seeds, n)."""

    x: torch.Tensor
    chosen: torch.Tensor
    rejected: torch.Tensor


def ask_people(
    policy: Callable, x: torch.Tensor, reward: torch.Tensor, random: LaneRandom
) -> Preferences:
    """Show people two answers of the policy to each prompt; they choose as Bradley and Terry say.

    x (seeds, n, in); reward (seeds, n, answers): how much they like each answer.
    """
    with torch.no_grad():
        logits = policy(x)
    first, second = draw(logits, random), draw(logits, random)
    liking = [reward.gather(-1, one[..., None])[..., 0] for one in (first, second)]
    wins = random.uniform(x.shape[1]).to(x.device) < (liking[0] - liking[1]).sigmoid()
    return Preferences(x, torch.where(wins, first, second), torch.where(wins, second, first))


def bradley_terry_loss(chosen: torch.Tensor, rejected: torch.Tensor) -> torch.Tensor:
    """-log σ(r_chosen - r_rejected), mean over pairs: scores (seeds, n) → (seeds,)."""
    return -F.logsigmoid(chosen - rejected).mean(dim=1)


def dpo_loss(
    logits: torch.Tensor,
    reference: torch.Tensor,
    *,
    chosen: torch.Tensor,
    rejected: torch.Tensor,
    beta: float,
) -> torch.Tensor:
    """Direct preference optimisation (Rafailov et al. 2023, eq. 7): (seeds,).

    -log σ( β log π(y_w)/π_ref(y_w) - β log π(y_l)/π_ref(y_l) ), mean over pairs. That is the
    Bradley-Terry loss where β log π/π_ref stands for the reward: no reward model is needed.
    logits, reference (seeds, n, answers); chosen y_w, rejected y_l (seeds, n).
    """
    _check_beta(beta)
    implied = beta * (logits.log_softmax(dim=-1) - reference.detach().log_softmax(dim=-1))
    won, lost = (implied.gather(-1, one[..., None])[..., 0] for one in (chosen, rejected))
    return bradley_terry_loss(won, lost)


def policy_gradient_loss(
    logits: torch.Tensor,
    answers: torch.Tensor,
    reward: torch.Tensor,
    *,
    reference: torch.Tensor | None = None,
    beta: float = 0.0,
) -> torch.Tensor:
    """REINFORCE (Williams 1992) on the policy's own answers, towards eq. 1: (seeds,).

    -mean of (r' - baseline) log π(y), r' = r - β log π(y)/π_ref(y); the baseline of an answer is
    the mean r' of the others in its batch (Kool 2019), which keeps the gradient unbiased.
    answers must be drawn from these very logits: (seeds, batch), reward (seeds, batch).
    """
    if answers.shape[1] < 2:
        raise CourseError("A baseline needs other answers; expected at least 2 a batch: try 32.")
    log_pi = log_probability(logits, answers)
    worth = reward
    if reference is not None and beta:
        worth = reward - beta * (log_pi - log_probability(reference, answers)).detach()
    n = answers.shape[1]
    advantage = (worth - worth.mean(dim=1, keepdim=True)) * n / (n - 1)
    return -(advantage.detach() * log_pi).mean(dim=1)


def tune(policy: MLP, loss: Callable, *, steps: int, lr: float) -> MLP:
    """A copy of the policy after so many gradient steps on loss(policy) → (seeds,)."""
    return tune_until(policy, loss, steps=steps, lr=lr).policy


class Tuned(NamedTuple):
    """A tuned policy, the step at which each lane stopped (seeds,), and whether it got there."""

    policy: MLP
    steps: torch.Tensor
    reached: torch.Tensor


def tune_until(
    policy: MLP,
    loss: Callable,
    *,
    steps: int,
    lr: float,
    enough: Callable | None = None,
    every: int = 5,
) -> Tuned:
    """As `tune`, but each lane stops where it stands when it is first good enough.

    enough(policy) → (seeds,) bool, asked after every so many steps.
    """
    tuned, kept = policy.copy(), policy.copy()
    optimiser = SGD(tuned.parameters(), lr)
    stopped_at = torch.full((len(policy.seeds),), steps)
    reached = torch.zeros(len(policy.seeds), dtype=torch.bool)
    for step in range(1, steps + 1):
        value = loss(tuned)
        if not bool(torch.isfinite(value).all()):
            raise CourseError(f"Tuning diverged at step {step}; expected a finite loss: lower lr.")
        optimiser.zero_grad()
        value.sum().backward()
        optimiser.step()
        if enough is not None and step % every == 0:
            now = enough(tuned).cpu() & ~reached
            _keep(tuned, kept, now)
            stopped_at[now], reached = step, reached | now
            if bool(reached.all()):
                break
    _keep(tuned, kept, ~reached)
    return Tuned(kept, stopped_at, reached)


@torch.no_grad()
def _keep(source: MLP, target: MLP, lanes: torch.Tensor) -> None:
    """Copy the weights of some lanes."""
    for new, old in zip(source.parameters(), target.parameters(), strict=True):
        old[lanes.to(old.device)] = new[lanes.to(new.device)]


def _check_beta(beta: float) -> None:
    if not beta > 0:
        raise CourseError(
            f"beta={beta!r}; expected a number above 0 (the weight of staying close): try beta=0.5."
        )


class OddOrEven:
    """A new skill with several right answers, beside an old skill with one.

    The old skill names a digit, 0 to 9. The new one looks at scrambled digits (pixels in an order
    of the lane's own) and gives any digit of the right kind: for an even picture 0, 2, 4, 6 and 8
    are all right. After Shenfeld et al. 2025 (arXiv 2509.04259), who used MNIST and FashionMNIST.
    """

    def __init__(self, seeds: Seeds) -> None:
        self.old, self.new = permuted_digits(2, seeds)
        self.seeds = permuted_digits(2, seeds).seeds

    def batch(self, random: LaneRandom, size: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
        """Random training pictures of the new skill: x (seeds, size, 64), y (seeds, size)."""
        return _some(self.new, random.integers(size, self.new.y.shape[1]))

    @staticmethod
    def right_kind(y: torch.Tensor) -> torch.Tensor:
        """Which of the ten answers count as right for digits y: (seeds, batch, 10)."""
        return torch.arange(10, device=y.device) % 2 == (y % 2)[..., None]

    @torch.no_grad()
    def new_skill(self, policy: Callable, part: str = "test") -> torch.Tensor:
        """The probability that an answer drawn from the policy is of the right kind: (seeds,)."""
        x, y = self.new.held_out(part)
        return (policy(x).softmax(dim=-1) * self.right_kind(y)).sum(dim=-1).mean(dim=1)

    @torch.no_grad()
    def old_skill(self, policy: Callable, part: str = "test") -> torch.Tensor:
        """The share of digits that the policy names rightly: (seeds,)."""
        x, y = self.old.held_out(part)
        return (policy(x).argmax(dim=-1) == y).float().mean(dim=1)

    @torch.no_grad()
    def drift(self, policy: Callable, base: Callable) -> tuple[torch.Tensor, torch.Tensor]:
        """Forward and reverse KL between base and policy on pictures of the new skill: (seeds,)."""
        x, _ = self.new.held_out("test")
        return kl(base(x), policy(x)), kl(policy(x), base(x))

    def base(self, shown: int = 10, steps: int = 800, lr: float = 0.1) -> MLP:
        """Networks that name digits, and have seen `shown` scrambled ones with any right answer."""
        random = LaneRandom(self.seeds, "odd or even: base")
        few = random.permutation(self.new.y.shape[1])[:, :shown]

        def loss(policy: MLP) -> torch.Tensor:
            x, y = _some(self.old, random.integers(32, self.old.y.shape[1]))
            new_x, new_y = _some(self.new, few.gather(1, random.integers(32, shown)))
            any_right = 2 * random.integers(32, 5) + new_y % 2
            return cross_entropy(policy(x), y) + cross_entropy(policy(new_x), any_right)

        return tune(mlp(64, 100, 10, seeds=self.seeds), loss, steps=steps, lr=lr)


def _some(experience, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Training examples of each lane by their places (seeds, n)."""
    lane = torch.arange(len(chosen))[:, None]
    return experience.x[lane, chosen], experience.y[lane, chosen]
