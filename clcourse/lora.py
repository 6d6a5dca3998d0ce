"""A note on a frozen network: a small product of two thin matrices beside each large one.

    W' = W + (α / r) A B        A (in, r), B (r, out), r much smaller than in and out

W stays as it is; only A and B learn (Hu et al. 2022, LoRA, section 4.1, which writes the product
as B A). B starts at zero, so a new note changes nothing; taking it off leaves exactly the base.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.func import functional_call

from clcourse.errors import CourseError
from clcourse.learner import Change
from clcourse.seeds import LaneRandom


class WithNotes(nn.Module):
    """A frozen network and its notes by name; those in `active` are on. Made by `add_lora`.

    It takes the place of the network: the same call, the same lanes. Its parameters are those of
    the notes alone, so a learner that trains it trains the notes.
    """

    change = Change("notes on frozen weights", "while they are switched on", "users of the note")

    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        object.__setattr__(self, "base", base.requires_grad_(False))  # not a part that learns
        self.notes = nn.ModuleDict()
        self.scale: dict[str, float] = {}
        self.active: tuple[str, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the lanes."""
        return self.base.seeds

    @property
    def accepts(self) -> tuple[str, ...]:
        """What the base reads."""
        return getattr(self.base, "accepts", ("vectors",))

    def forward(self, x: torch.Tensor, **more):
        """What the base answers with the active notes on."""
        if not self.active:
            return self.base(x, **more)
        return functional_call(self.base, self.changed_weights(), (x,), more)

    def changed_weights(self) -> dict[str, torch.Tensor]:
        """W + (α / r) A B, summed over the active notes, for each matrix that has any."""
        weights = dict(self.base.named_parameters())
        changed: dict[str, torch.Tensor] = {}
        for name in self.active:
            for where, pair in self.notes[name].items():
                matrix = where.replace("/", ".")
                W = changed.get(matrix, weights[matrix])
                changed[matrix] = torch.baddbmm(W, pair["A"], pair["B"], alpha=self.scale[name])
        return changed

    def only(self, *names: str) -> WithNotes:
        """Switch exactly these notes on, none for the base as it was; return the network."""
        self._known(*names)
        self.active = names
        for name, note in self.notes.items():
            note.requires_grad_(name in names)
        return self

    def note_bytes(self, name: str) -> int:
        """Bytes a lane of one note."""
        self._known(name)
        return sum(part[0].numel() * part.element_size() for part in self.notes[name].parameters())

    def _known(self, *names: str) -> None:
        """Every name must be that of a note."""
        unknown = [name for name in names if name not in self.notes]
        if unknown:
            raise CourseError(
                f"There is no note {unknown[0]!r}; expected some of {list(self.notes)}."
            )

    def copy(self) -> WithNotes:
        """An independent copy of the base and its notes."""
        return copy.deepcopy(self)


def matrices(network: nn.Module) -> dict[str, torch.Tensor]:
    """The weight matrices (seeds, in, out) that notes can be written on, by name.

    All of an MLP; of a transformer those inside the blocks, not the tables of words and places.
    """
    return {
        name: W
        for name, W in network.named_parameters()
        if W.dim() == 3 and W.shape[1] > 1 and name.startswith(("weights.", "blocks."))
    }


def add_lora(
    network: nn.Module, r: int, alpha: float | None = None, *, name: str = "note"
) -> WithNotes:
    """A copy of the network, frozen, with a new note of rank r on every matrix; it is switched on.

    alpha  the strength: the product counts alpha / r times (None: alpha = r, once). A ~ N(0, 1/in).
    A network that has notes already gets one more.
    """
    wrapped = network.copy() if isinstance(network, WithNotes) else WithNotes(network.copy())
    large = matrices(wrapped.base)
    smallest = min((min(W.shape[1:]) for W in large.values()), default=0)
    whole = isinstance(r, int) and not isinstance(r, bool)
    if not whole or not 1 <= r <= smallest:
        raise CourseError(
            f"r={r!r}; expected a rank from 1 to {smallest}, the smaller side of the smallest "
            "matrix: try r=4."
        )
    if name in wrapped.notes or "." in name:
        raise CourseError(f"name={name!r} is taken or has a dot; expected a new, plain name.")
    random = LaneRandom(wrapped.seeds, f"note {name}")
    note = nn.ModuleDict()
    for where, W in large.items():
        seeds, rows, columns = W.shape
        A = (random.normal(rows, r) / rows**0.5).to(W)
        note[where.replace(".", "/")] = nn.ParameterDict(
            {"A": A, "B": W.new_zeros(seeds, r, columns)}
        )
    wrapped.notes[name] = note
    wrapped.scale[name] = (r if alpha is None else alpha) / r
    return wrapped.only(*wrapped.active, name)


@torch.no_grad()
def merge(network: WithNotes) -> nn.Module:
    """The base with its active notes written into the weights: a plain network, no slower."""
    merged = network.base.copy()
    weights = dict(merged.named_parameters())
    for name, W in network.changed_weights().items():
        weights[name].copy_(W)
    return merged


@torch.no_grad()
def unmerge(merged: nn.Module, network: WithNotes) -> nn.Module:
    """The merged network less the notes active in `network`: the base, up to rounding."""
    plain = merged.copy()
    weights, base = dict(plain.named_parameters()), dict(network.base.named_parameters())
    for name, W in network.changed_weights().items():
        weights[name].sub_(W - base[name])
    return plain
