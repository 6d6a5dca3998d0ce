"""A month of nights: what is left when the hippocampus, or the cortex, is taken out on some day?

    python studies/03_nights.py

makes clcourse/results/03_nights.json again (about six minutes on one core). Every night the store
replays and the cortex learns; each entry is the share of right answers, of all subjects, for each
day of the lesion and each day of learning. How fast the store fades, how long and how boldly the
cortex learns, and its optimiser are varied one by one around one setting. It was found by hand on
subjects 100 to 105, among 20; a grid around it, on the same subjects, is stored: how much better
are memories older than two weeks than those of the last three days?
"""

from __future__ import annotations

import itertools
import warnings

import torch

import clcourse as cl
from clcourse.results import store
from clcourse.sleep import Month

SETTINGS = {
    "seeds": list(range(10)),
    "seeds_for_choosing": list(range(100, 106)),
    "other_seeds": list(range(200, 220)),
    "settings_tried": 20,
    "days": 30,
    "each": 5,
    "replays": 150,
    "decays": [0.0, 0.005, 0.02],
    "steps": [0, 2, 8, 20],
    "chosen": {"decay": 0.005, "lr": 0.1, "steps": 8, "momentum": 0.9},
    "bold_lr": 0.3,
    "timid": {"lr": 0.03, "steps": 20},
    "adam_lr": 0.001,
    "grid": {"decay": [0.0025, 0.005, 0.01], "lr": [0.03, 0.1, 0.3], "steps": [4, 8, 16]},
    "network": [120, 400, 120],
}


class AdamCortex(cl.Neocortex):
    """The same network, taught by Adam (Kingma & Ba 2015): a step per weight, whatever its size."""

    def __init__(self, *sizes: int, lr: float, seeds) -> None:
        super().__init__(*sizes, lr=lr, seeds=seeds)
        self.squares, self.count = [torch.zeros_like(v) for v in self.velocity], 0

    def learn(self, x, target):
        """One step on the summed logistic loss of all units."""
        logits = self.network(x)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, target, reduction="none").sum(dim=2).mean(dim=1)
        weights = list(self.network.parameters())
        gradients = torch.autograd.grad(loss.sum(), weights)
        self.count += 1
        with torch.no_grad():
            for θ, g, m, v in zip(weights, gradients, self.velocity, self.squares, strict=True):
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                fair = (v / (1 - 0.999**self.count)).sqrt_().add_(1e-8)
                θ.addcdiv_(m, fair, value=-self.lr / (1 - 0.9**self.count))
        return logits.detach()


def cortex(seeds, lr: float) -> cl.Neocortex:
    """A new cortex."""
    return cl.Neocortex(*SETTINGS["network"], lr=lr, momentum=0.9, seeds=seeds)


def listed(table: torch.Tensor) -> list:
    """(seeds, lesion day, day learnt) as counts of right episodes; days to come are left out."""
    counts = (table * SETTINGS["each"]).round()
    return [[[int(one) for one in lane[day, : day + 1]] for day in range(table.shape[1])]
            for lane in counts]


def hippocampal(month: Month, decay: float) -> tuple[list, torch.Tensor]:
    """The replays of every night, and what the hippocampus alone recalls after each."""
    hippocampus = cl.Hippocampus(240, 24, ca3=(800, 20), decay=decay, seeds=month.seeds)
    nights, alone = [], torch.full((len(month.seeds), month.days, month.days), torch.nan)
    for night, (replays, recalled) in enumerate(month.dreams(hippocampus, SETTINGS["replays"])):
        nights.append(replays)
        alone[:, night, : night + 1] = recalled
    return nights, alone


def study(seeds) -> dict:
    """All settings for these subjects."""
    month, chosen = Month(SETTINGS["days"], SETTINGS["each"], seeds=seeds), SETTINGS["chosen"]
    tables: dict = {"hippocampus alone": {}, "cortex alone": {}, "varied": {}}
    for decay in SETTINGS["decays"]:
        nights, alone = hippocampal(month, decay)
        tables["hippocampus alone"][str(decay)] = listed(alone)
        tables["cortex alone"][str(decay)] = {
            str(steps): listed(month.consolidate(cortex(seeds, chosen["lr"]), nights, steps))
            for steps in SETTINGS["steps"]}
        if decay == chosen["decay"]:
            timid = SETTINGS["timid"]
            tables["varied"] = {
                "three times the learning rate": listed(month.consolidate(
                    cortex(seeds, SETTINGS["bold_lr"]), nights, chosen["steps"])),
                "a third of it, longer nights": listed(month.consolidate(
                    cortex(seeds, timid["lr"]), nights, timid["steps"])),
                "Adam": listed(month.consolidate(
                    AdamCortex(*SETTINGS["network"], lr=SETTINGS["adam_lr"], seeds=seeds),
                    nights, chosen["steps"])),
            }
        print("decay", decay, flush=True)
    box = [replays for replays, _ in
           month.dreams(cl.Reservoir(month.days * month.each, seeds), SETTINGS["replays"])]
    tables["varied"]["a shoebox"] = listed(
        month.consolidate(cortex(seeds, chosen["lr"]), box, chosen["steps"]))
    return tables


def around(seeds) -> dict:
    """{"0.005 0.1 8": shares right of memories two weeks old and older, of the last three days}."""
    month, found = Month(SETTINGS["days"], SETTINGS["each"], seeds=seeds), {}
    grid = SETTINGS["grid"]
    for decay in grid["decay"]:
        nights, _ = hippocampal(month, decay)
        for lr, steps in itertools.product(grid["lr"], grid["steps"]):
            last = month.consolidate(cortex(seeds, lr), nights, steps)[:, -1]
            found[f"{decay} {lr} {steps}"] = {
                "older than two weeks": [round(float(one), 4) for one in last[:, :-14].mean(1)],
                "last three days": [round(float(one), 4) for one in last[:, -3:].mean(1)]}
        print("grid", decay, flush=True)
    return found


def again(seeds) -> list:
    """The chosen setting for other subjects."""
    month, chosen = Month(SETTINGS["days"], SETTINGS["each"], seeds=seeds), SETTINGS["chosen"]
    nights, _ = hippocampal(month, chosen["decay"])
    return listed(month.consolidate(cortex(seeds, chosen["lr"]), nights, chosen["steps"]))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # a full store is part of the story
    results = study(SETTINGS["seeds"]) | {
        "other subjects": again(SETTINGS["other_seeds"]),
        "grid": around(SETTINGS["seeds_for_choosing"])}
    print("written:", store("03_nights", SETTINGS, results).name)
