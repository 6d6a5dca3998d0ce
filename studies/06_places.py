"""Does it matter where the right note stands? With a table of places and without one.

    python studies/06_places.py

makes clcourse/results/06_places.json again (about four minutes on one core). Three networks:
without a table of places (as in the lesson); with one, whose texts all begin at its first place;
and with one, whose training texts begin anywhere in it (the idea of Ruoss et al. 2023, here by one
random starting place a text). All three learn for 400 steps at the usual rate; that this is enough
for each shows in what they know by heart and read among four notes, as many as in training.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import WORDS, Facts
from clcourse.results import store
from clcourse.transformer import TinyTransformer

SETTINGS = {
    "seeds": list(range(10)),
    "places": 210,
    "questions": 30,
    "notes": [1, 2, 4, 5, 8, 10, 20, 50],
    "fractions": [0.0, 0.25, 0.5, 0.75, 1.0],
    "steps": 400,
    "lr": 0.005,
}
KINDS = ("no table", "table", "table, begun anywhere")


class Anywhere(TinyTransformer):
    """In training each text begins at a random place of the table; afterwards at the first."""

    def _embed(self, tokens, cache):
        table, self.P = self.P, None
        h = super()._embed(tokens, cache)
        self.P = table
        lanes, batch, length = tokens.shape
        start = torch.zeros(lanes, batch, dtype=torch.long)
        if self.training:
            if not hasattr(self, "starts"):
                self.starts = cl.LaneRandom(self.seeds, "starting places")
            start = self.starts.integers(batch, self.places - length + 1)
        at = start[..., None] + torch.arange(length)
        return h + table[torch.arange(lanes)[:, None, None], at].flatten(1, 2)


def newborn(kind: str, seeds, places: int) -> TinyTransformer:
    """Networks of one kind."""
    if kind == "table, begun anywhere":
        return Anywhere(len(WORDS), 64, 4, 1, None, places, cl.lane_ids(seeds))
    return cl.tiny_transformer(
        len(WORDS), places=None if kind == "no table" else places, seeds=seeds
    )


def asked(strangers: Facts, count: int, notes: int, at: int, seeds) -> tuple[torch.Tensor, Facts]:
    """Lists of notes for the first `count` facts, and these facts."""
    listed = cl.reading_list(strangers, notes - 1, at=at, seeds=seeds)[:, :count]
    return listed, Facts(strangers.x[:, :count], strangers.y[:, :count])


def places(notes: int, fractions) -> list[int]:
    """Where the right note stands: shares of the way from the first to the last place."""
    return sorted({round(share * (notes - 1)) for share in fractions})


def read(network, world, numbers, settings) -> dict:
    """{notes: {place: lanes}}."""
    strangers = world.facts("strangers", 40)
    found: dict = {}
    for notes in numbers:
        found[str(notes)] = {}
        for at in places(notes, settings["fractions"]):
            lists = asked(strangers, settings["questions"], notes, at, world.seeds)
            lanes = cl.reads(network, *lists).tolist()
            found[str(notes)][str(at)] = [round(one, 4) for one in lanes]
    return found


def measured(kind: str, settings) -> dict:
    """What networks of one kind know by heart and read."""
    world = cl.World(seeds=settings["seeds"])
    network = newborn(kind, settings["seeds"], settings["places"])
    network = cl.grow_up(network, world, steps=settings["steps"], lr=settings["lr"]).eval()
    known = [round(one, 4) for one in cl.recall(network, world.facts()).tolist()]
    return {"by heart": known, "reads": read(network, world, settings["notes"], settings)}


if __name__ == "__main__":
    results = {kind: measured(kind, SETTINGS) for kind in KINDS}
    print("written:", store("06_places", SETTINGS, {"found": results}).name)
