"""Lesson 03: what students are told about their own nights, gates, batches and arbitration."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect


def _random():
    """Numbers for two lanes, the same in every check."""
    from clcourse.seeds import LaneRandom

    return LaneRandom(2, "exercises of lesson 03")


@exercise(
    "03.1",
    expects="a function of x_new (lanes, new, features), x_box (lanes, stored, features) and "
            "chosen (lanes, old) that gives a batch (lanes, new + old, features)",
    hints=[
        "Each lane has its own choice: lane 0 takes x_box[0, chosen[0]], lane 1 takes "
        "x_box[1, chosen[1]].",
        "lane = torch.arange(len(x_box))[:, None] has the shape (lanes, 1); x_box[lane, chosen] "
        "then picks for all lanes at once: (lanes, old, features).",
        "torch.cat([x_new, old], dim=1) puts the new ones first.",
    ],
)
def interleaved_batch(answer: Callable) -> str:
    """New examples first, then the chosen old ones of each lane."""
    import torch

    random = _random()
    x_new, x_box = random.normal(3, 4), random.normal(6, 4)
    chosen = torch.tensor([[5, 0, 0], [2, 4, 1]])
    lane = torch.arange(2)[:, None]
    old = x_box[lane, chosen]
    try:
        got = call(answer, x_new, x_box, chosen)
    except RuntimeError as error:
        if "number of dimensions" not in str(error):
            raise
        raise Wrong("x_box[:, chosen] has four axes, every lane's choice in every lane: index with "
                    "the lane as well, x_box[lane, chosen].") from error
    expect(
        got,
        torch.cat([x_new, old], dim=1),
        (torch.cat([x_new, x_box[:, chosen[0]]], dim=1), "all lanes take the choice of the first "
         "lane: each lane has its own row of chosen."),
        (torch.cat([x_new, x_box[:, :3]], dim=1), "you take the first ones in the box: take those "
         "that are chosen."),
        (torch.cat([old, x_new], dim=1), "the old ones stand first: put the new ones first."),
        (old, "the new examples are missing: the batch has new and old."),
        (torch.cat([x_new, x_box[:, chosen].flatten(1, 2)], dim=1), "x_box[:, chosen] takes every "
         "lane's choice in every lane: index with the lane as well, x_box[lane, chosen]."),
    )
    return "this one line of indexing is all that “interleaving” needs."


@exercise(
    "03.3",
    expects="a function of patterns and recalled, both (subjects, episodes, units) of 0 and 1, and "
            "familiar that gives True for what is to be stored, (subjects, episodes)",
    hints=[
        "What came back of an episode: the units that are 1 in both, (patterns * recalled).sum(2), "
        "as a share of the units that are 1 in the pattern.",
        "Store it where this share is smaller than familiar.",
    ],
)
def novelty_gate(answer: Callable) -> str:
    """True where too little of the episode came back."""
    import torch

    sizes = [  # units of the episode, units that come back, units of both
        [(4, 4, 4), (6, 3, 3), (3, 6, 3), (5, 4, 1), (6, 6, 4)],
        [(5, 5, 4), (5, 5, 2), (5, 8, 4), (3, 3, 2), (6, 5, 4)],
    ]
    patterns, recalled = torch.zeros(2, 2, 5, 16)  # most units are 0 in both
    for subject, episodes in enumerate(sizes):
        for episode, (active, back, both) in enumerate(episodes):
            patterns[subject, episode, :active] = 1
            recalled[subject, episode, active - both : active - both + back] = 1
    familiar = 0.7
    both = (patterns * recalled).sum(dim=2)
    mine, theirs = patterns.sum(dim=2), recalled.sum(dim=2)
    share = both / mine
    expect(
        call(answer, patterns, recalled, familiar),
        share < familiar,
        (share >= familiar, "your gate is turned round: store what does not come back."),
        (share, "this is the share that came back: compare it with familiar."),
        (1 - share, "this is the novelty: the gate says True or False."),
        ((patterns == recalled).float().mean(dim=2) < familiar, "you count units that are 0 in "
         "both as well: a share of the active units of the pattern is wanted."),
        (1 - share > familiar, "the novelty must exceed 1 - familiar, not familiar: or compare the "
         "share that came back with familiar."),
        (both / theirs < familiar, "you divide by what came back: divide by the number that is "
         "active in the pattern."),
        (both / 4 < familiar, "you divide by 4: episodes differ in size, so divide by the number "
         "that is active in each pattern."),
        (both / (mine * theirs).sqrt() < familiar, "this is the cosine: divide by the number that "
         "is active in the pattern alone."),
        (both / (mine + theirs - both) < familiar, "you divide by the units that are active in "
         "either: divide by the number that is active in the pattern."),
        ((patterns * recalled).mean(dim=2) < familiar, "you divide by all units: divide by the "
         "number that is active in the pattern."),
        ((patterns * recalled).sum(dim=2) < familiar, "you compare a number of units with a share: "
         "divide by the number that is active in the pattern."),
        ((share < 1), "only a perfect copy counts as known: use familiar."),
        ((share < familiar).all(dim=1), "you decide for all episodes of a subject at once: decide "
         "for each."),
    )
    return "a hippocampus that knows something already spends no trace on it."


@exercise(
    "03.4",
    expects="a function of fast (subjects, questions, classes), known (subjects, questions) and "
            "slow (subjects, questions, classes) that gives answers (subjects, questions)",
    hints=[
        "Two answers to each question: fast.argmax(dim=2) and slow.argmax(dim=2). Which one counts "
        "is what known says.",
        "torch.where(known, a, b) takes a where known is True, and b elsewhere.",
    ],
)
def who_answers(answer: Callable) -> str:
    """The fast store where it recognises the question, the cortex elsewhere."""
    import torch

    random = _random()
    loud = torch.tensor([[1, 0.4, 1, 0.4], [0.4, 1, 1, 0.4]])  # shares may be large, and unknown
    fast, slow = random.uniform(20).reshape(2, 4, 5) * loud[..., None], random.normal(4, 5) * 3
    slow = slow.double()
    known = torch.tensor([[1, 0, 0, 1], [0, 1, 0, 1]]).bool()
    one, other = fast.argmax(dim=2), slow.argmax(dim=2)
    other = torch.where(other == one, (one + 1) % 5, other)  # they never agree
    slow = slow.scatter(2, other[..., None], 9.0)
    slow[1] = -9.0  # a logit may be negative, and hardly larger, where its class is the best
    slow[1].scatter_(1, other[1][:, None], -8.9999)
    louder = torch.where(fast.amax(dim=2) > slow.amax(dim=2), one, other)
    expect(
        call(answer, fast, known, slow),
        torch.where(known, one, other),
        (torch.where(known, other, one), "turned round: the fast store answers where known is "
         "True."),
        (torch.where(fast.amax(dim=2) > 0.5, one, other), "a large share does not mean that the "
         "question was recognised: let known decide."),
        (louder, "the larger number wins in your code: a share and a logit cannot be compared; "
         "let known decide."),
        ((fast + slow).argmax(dim=2), "you add the two: a share and a logit cannot be added; let "
         "known decide."),
        (one, "the fast store answers everything, also what it does not recognise."),
        (other, "the cortex answers everything, and the fast store is never asked."),
        (torch.where(known[..., None], fast, slow), "these are scores: give the answer, argmax "
         "over the classes."),
    )
    return "nobody needs to know which of the two is right, only whether the store has seen it."


@exercise(
    "03.2",
    expects="a function of cortex, x (lanes, dreams, features), y (lanes, dreams) and chosen "
            "(steps, lanes, batch) that gives cortex.answer(x) after the night",
    hints=[
        "One step: pick the examples with x[lane, some], lane = torch.arange(len(x))[:, None]; the "
        "loss of each lane is cl.cross_entropy(cortex.network(…), …).",
        "weights = list(cortex.network.parameters()); torch.autograd.grad(loss.sum(), weights) "
        "gives the gradients. Sum over lanes: then no lane feels the others.",
        "Change weights inside `with torch.no_grad():`, each by θ.sub_(cortex.lr * g). Then the "
        "next row of chosen.",
    ],
)
def a_night_by_hand(answer: Callable) -> str:
    """Steps of gradient descent on what is replayed, against the course's own cortex."""
    import torch

    from clcourse.complementary import Neocortex

    random = _random()
    x, y = random.normal(9, 6), random.integers(9, 4)
    chosen = torch.stack([random.integers(3, 9) for _ in range(4)])
    lane = torch.arange(2)[:, None]

    def after(factor=1.0, rows=chosen, place=lane):
        cortex = Neocortex(6, 5, 4, lr=0.3, seeds=2)
        cortex.lr = 0.3 * factor
        for some in rows:
            cortex.learn(x[place, some], y[place, some])
        return cortex.answer(x)

    def same():
        return [some[:1].expand(2, -1) for some in chosen]

    def refuse(*_, **__):
        raise Wrong("cortex.learn takes the step for you: take it yourself, with "
                    "torch.autograd.grad on cortex.network.")

    handed = Neocortex(6, 5, 4, lr=0.3, seeds=2)
    handed.learn = refuse
    expect(
        call(answer, handed, x, y, chosen),
        after(),
        (after(0.5), "your loss is averaged over the lanes, which divides the learning rate by "
         "their number: average over the batch, then sum over the lanes."),
        (after(3.0), "your loss is summed over the batch as well: average over the batch, sum over "
         "the lanes."),
        (after(-1.0), "you climb: subtract lr times the gradient."),
        (after(1 / 0.3), "the learning rate is missing: change θ by cortex.lr times its gradient."),
        (after(0.0), "nothing was learnt: do the weights change, and in place?"),
        (after(rows=chosen[:1]), "you stop after one step: go through all rows of chosen."),
        (after(rows=chosen[-1:]), "you do the last row only: go through all rows of chosen."),
        (after(rows=same()), "all lanes replay what the first lane chose: use x[lane, some]."),
        tolerance=1e-4,
    )
    return "this is cl.TwoSystems.rest: a loop over batches that somebody replays."
