"""A hippocampus on one page: store an episode in one shot, complete it from a part, replay it.

    EC ──→ DG ──→ CA3 ──→ CA1 ──→ EC
     ├────────────→↑ ↺      ↑
     └──────────────────────┘

EC (entorhinal cortex) is the way in and out, DG (dentate gyrus) is very sparse and keeps episodes
apart, CA3 calls itself back and completes, CA1 translates back.

Fixed random wiring and k winners in every region give similar episodes different codes; Hebbian
outer products tie the codes together at one showing; following the ties brings an episode back.
The division of labour is that of Marr (1971), McNaughton & Morris (1987), O'Reilly & McClelland
(1994); each population has a leading axis of subjects, which are the lanes.
"""

from __future__ import annotations

import copy
import warnings

import torch

from clcourse.associative import k_winners, ones_at, overlap, sum_of_rows, winners
from clcourse.errors import CourseError
from clcourse.regions import Codes, Gauge, Region, check_patterns, projection, region
from clcourse.seeds import LaneRandom, Seeds, device


class Hippocampus:
    """One-shot memory for sparse binary patterns: store, recall, replay, lesion, gauge.

    units, active    size of a pattern and how many of its units are 1 (the entorhinal cortex)
    dg, ca3, ca1     (units, active) of the regions. The activities are in the order of the rat's:
                     the dentate gyrus by far the sparsest, CA1 denser than CA3; sizes are a toy's
    decay            share of every old trace that is lost with each new episode (a palimpsest)
    familiar         an episode of which this share comes back already is not stored again
    seeds            the subjects: each has random wiring of its own
    """

    def __init__(
        self,
        units: int = 240,
        active: int = 24,
        *,
        dg: tuple[int, int] = (1600, 16),
        ca3: tuple[int, int] = (480, 16),
        ca1: tuple[int, int] = (480, 48),
        decay: float = 0.0,
        familiar: float = 0.9,
        seeds: Seeds = 1,
    ) -> None:
        self.ec, self.dg, self.ca3, self.ca1 = (
            region(name, *size)
            for name, size in {"EC": (units, active), "DG": dg, "CA3": ca3, "CA1": ca1}.items()
        )
        if not 0 <= decay < 1:
            raise CourseError(f"decay={decay!r}; expected at least 0 and below 1: try 0.01.")
        if not 0 < familiar <= 1:
            raise CourseError(f"familiar={familiar!r}; expected a share of at most 1: try 0.9.")
        self.decay, self.familiar = decay, familiar
        self.random = LaneRandom(seeds, "spontaneous activity")
        self.lesions: frozenset[str] = frozenset()
        self.warned = False
        self._wire(LaneRandom(self.seeds, "hippocampal wiring"))
        subjects, here = len(self.seeds), device()
        self.load = torch.zeros(subjects, device=here)

        def empty(rows: Region, columns: Region) -> torch.Tensor:
            return torch.zeros(subjects, rows.units, columns.units, device=here)

        self.ec_ca3, self.ca3_ca3 = empty(self.ec, self.ca3), empty(self.ca3, self.ca3)
        self.ca3_ca1 = empty(self.ca3, self.ca1)
        self.ca1_ca1, self.ca1_ec = empty(self.ca1, self.ca1), empty(self.ca1, self.ec)
        self.decoder = empty(self.ca1, self.ec)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the subjects."""
        return self.random.seeds

    # -- in: similar episodes get different codes --

    def encode(self, patterns: torch.Tensor) -> Codes:
        """The codes of episodes (subjects, episodes, units), by fixed wiring alone.

        d = k_winners(e W_dg)      c = k_winners(d W_mf + 10⁻⁴ e W_pp)      a = k_winners(e W_ca1)

        Few, strong mossy fibres W_mf let DG dictate the code of CA3; the faint direct path only
        breaks ties. Without DG the direct path has to do.
        """
        direct = patterns @ self.wired_ec_ca3
        d = winners(patterns @ self.wired_ec_dg, self.dg.active)
        mossy = sum_of_rows(d, self.wired_dg_ca3)
        drive = direct if "DG" in self.lesions else mossy + 1e-4 * direct
        a = k_winners(patterns @ self.wired_ec_ca1, self.ca1.active)
        return Codes(ones_at(d, self.dg.units), k_winners(drive, self.ca3.active), a)

    @torch.no_grad()
    def store(
        self,
        patterns: torch.Tensor,
        cues: torch.Tensor | None = None,
        *,
        chance: float = 1.0,
        gate: bool = True,
    ) -> torch.Tensor:
        """Store what is new; return which episodes were stored: (subjects, episodes) of bool.

        An episode that its cue (or, without cues, the episode itself) brings back already is left
        out: without this novelty gate the same few episodes, stored again and again, drown the
        rest. Of the new ones each is stored with the given chance; an empty store always takes the
        first. With centred codes, all in one matrix product a pathway:

            ΔW = Σ_i w_i pre_i post_iᵀ        w_i = (1 - decay)^(episodes stored after i)
        """
        check_patterns(patterns, len(self.seeds), self.ec, exact=True)
        if not 0 <= chance <= 1:
            raise CourseError(f"chance={chance!r}; expected a probability from 0 to 1.")
        new = torch.ones_like(patterns[..., 0], dtype=torch.bool)
        if gate:
            new = self.novelty(patterns, cues) > 1 - self.familiar
        if 0 < chance < 1:
            first = (self.load == 0)[:, None] & (new.cumsum(dim=1) == 1)
            drawn = self.random.uniform(new.shape[1]).to(new.device) < chance
            new = new & (drawn | first)
        elif chance == 0:
            new = torch.zeros_like(new)
        self._write(patterns, new.to(patterns.dtype))
        self._warn_if_full()
        return new

    def novelty(self, patterns: torch.Tensor, cues: torch.Tensor | None = None) -> torch.Tensor:
        """Share of each episode that does not come back: (subjects, episodes)."""
        if not bool(self.load.any()):
            return torch.ones_like(patterns[..., 0])
        return 1 - overlap(self.recall(patterns if cues is None else cues), patterns)

    def _write(self, patterns: torch.Tensor, new: torch.Tensor) -> None:
        """The Hebbian step for the episodes whose `new` is 1."""
        after = new.flip(1).cumsum(dim=1).flip(1) - new
        keep = 1 - self.decay
        w = (new * keep**after)[..., None]
        codes = self.encode(patterns)
        e = patterns - self.ec.activity
        c, a = codes.ca3 - self.ca3.activity, codes.ca1 - self.ca1.activity
        stored = new.sum(dim=1)
        fade = (keep**stored)[:, None, None]
        for W, pre, post in (
            (self.ec_ca3, e, c),
            (self.ca3_ca3, c, c),
            (self.ca3_ca1, c, a),
            (self.ca1_ca1, a, a),
            (self.ca1_ec, a, e),
        ):
            W.mul_(fade).baddbmm_((w * pre).transpose(1, 2), post)
        self.ca3_ca3.diagonal(dim1=1, dim2=2).zero_()
        self.load = self.load * fade[:, 0, 0] + w[..., 0].sum(dim=1)
        one = torch.eye(self.ca1.units, device=e.device)
        half = torch.linalg.cholesky(self.ca1_ca1 + one)
        self.decoder = torch.cholesky_solve(self.ca1_ec, half)

    # -- out: a part brings back the whole --

    @torch.no_grad()
    def recall(self, cues: torch.Tensor, iterations: int = 6) -> torch.Tensor:
        """The episodes that cues bring back: (subjects, cues, units), `active` units 1 each.

        u = cue W_ec_ca3;  c ← k_winners(u);  `iterations` times c ← k_winners(c W_ca3_ca3 + ½u)
        """
        check_patterns(cues, len(self.seeds), self.ec, exact=False)
        u = cues @ self.ec_ca3
        return self._decode(self._settle(winners(u, self.ca3.active), u / 2, iterations))

    @torch.no_grad()
    def replay(self, count: int, iterations: int = 15) -> torch.Tensor:
        """Episodes that come to mind by themselves: (subjects, count, units).

        Random activity in CA3 settles into what its recurrence has stored; there is no cue.
        """
        return self._decode(self._dream(count, iterations, self.random))

    @torch.no_grad()
    def gauge(self, count: int = 100) -> Gauge:
        """How full the store is, measured without a list of what was put in.

        A replay is sound when its own episode, encoded anew, gives the CA3 state that it came from
        (overlap of at least .9): a mixture decodes to something that was never encoded so. The
        same store always gives the same reading.
        """
        if not bool(self.load.any()):
            return Gauge(self.load, torch.ones_like(self.load))
        c = self._dream(count, 15, LaneRandom(self.seeds, "gauge"))
        again = self.encode(self._decode(c)).ca3
        share = overlap(ones_at(c, self.ca3.units), again)
        return Gauge(self.load.clone(), (share >= 0.9).float().mean(dim=1))

    def _dream(self, count: int, iterations: int, random: LaneRandom) -> torch.Tensor:
        """CA3 states that random activity settles into: the places of their winners."""
        if not isinstance(count, int) or count < 1:
            raise CourseError(f"{count!r} replays; expected a whole number of at least 1.")
        if not bool(self.load.all()):
            empty = self.seeds[torch.nonzero(self.load == 0)[0].item()]
            raise CourseError(
                f"Subject {empty} has nothing to replay; expected at least one stored episode: "
                "store first."
            )
        noise = random.uniform(count * self.ca3.units).reshape(-1, count, self.ca3.units)
        return self._settle(winners(noise.to(self.load), self.ca3.active), 0.0, iterations)

    def _settle(self, c: torch.Tensor, u: torch.Tensor | float, iterations: int) -> torch.Tensor:
        """Let CA3 call itself back: c holds the places of the winners."""
        for _ in range(0 if "recurrence" in self.lesions else iterations):
            c = winners(sum_of_rows(c, self.ca3_ca3) + u, self.ca3.active)
        return c

    def _decode(self, c: torch.Tensor) -> torch.Tensor:
        """From CA3 (places of winners) by way of CA1 to EC (a pattern).

        CA1 learns to rebuild EC by its error (the theta-phase idea of Ketz et al. 2013). The delta
        rule's fixed point is taken at once, on centred codes: (Σ w a aᵀ + 1)⁻¹ Σ w a eᵀ.
        """
        a = ones_at(winners(sum_of_rows(c, self.ca3_ca1), self.ca1.active), self.ca1.units)
        return k_winners((a - self.ca1.activity) @ self.decoder, self.ec.active)

    # -- damage, size, housekeeping --

    def __deepcopy__(self, memo: dict) -> Hippocampus:
        """Copies share the wiring, the larger part, because nothing ever changes it."""
        other = object.__new__(type(self))
        for name, value in vars(self).items():
            fixed = name.startswith("wired_")
            setattr(other, name, value if fixed else copy.deepcopy(value, memo))
        return other

    def lesion(self, part: str) -> Hippocampus:
        """A copy without a part: "DG" (episodes reach CA3 directly) or "recurrence" (of CA3)."""
        if part not in ("DG", "recurrence"):
            raise CourseError(
                f"There is no part {part!r} to lesion; expected 'DG' or 'recurrence'."
            )
        other = copy.deepcopy(self)
        other.lesions = self.lesions | {part}
        return other

    def memory_bytes(self) -> int:
        """Bytes a subject of all that learning changes."""
        learnt = (self.ec_ca3, self.ca3_ca3, self.ca3_ca1, self.ca1_ca1, self.ca1_ec)
        return sum(W[0].numel() * W.element_size() for W in learnt)

    def _wire(self, random: LaneRandom) -> None:
        """A quarter of all pairs on the perforant path, few on the mossy one.

        .25 and .02 in the Leabra model of the hippocampus (emer/leabra, examples/hip), .04 here.
        """
        self.wired_ec_dg = projection(self.ec, self.dg, 0.25, random)
        self.wired_dg_ca3 = projection(self.dg, self.ca3, 0.04, random)
        self.wired_ec_ca3 = projection(self.ec, self.ca3, 0.25, random)
        self.wired_ec_ca1 = projection(self.ec, self.ca1, 0.25, random)

    def _warn_if_full(self) -> None:
        """Say once that the store is over-full: below, it fails without a sign of it."""
        full = 0.2 * self.ca3.units
        if not self.warned and bool((self.load > full).any()):
            self.warned = True
            warnings.warn(
                f"The hippocampus is over-full: {self.gauge()} (sound up to about {full:.0f}); "
                "use more CA3 units, or decay.",
                stacklevel=3,
            )
