"""Only M moves; a batch is its examples one by one; a core learns to write."""

import pytest
import torch
import torch.nn.functional as F

import clcourse as cl
from clcourse.baselines import UNSEEN

LANES = [0, 1]


def learner(**more) -> cl.MemoryLearner:
    return cl.MemoryLearner(cl.MemoryCore(64, **({"hidden": 20, "width": 8} | more), seeds=LANES))


def examples(n=12):
    one = cl.split_digits(seeds=LANES)[0]
    return one.x[:, :n], one.y[:, :n]


def test_a_lane_by_hand():
    it, (x, y) = learner(), examples()
    it.observe(x, y)
    core = it.core
    with torch.no_grad():
        core.G.normal_(0, 0.1)
    it.state, it.seen = learner().state, learner().seen
    it.observe(x, y)
    for lane in range(2):
        M, S = torch.zeros(8, 10), torch.zeros(8, 10)
        for one, label in zip(x[lane], y[lane], strict=True):
            h = torch.relu(one @ core.A[lane] + core.b[lane, 0])
            k = F.normalize(h @ core.W[lane], dim=0)
            θ, η, α = torch.sigmoid(h @ core.G[lane] + core.g[lane, 0])
            S = η * S + θ * torch.outer(k, F.one_hot(label, 10) - k @ M)
            M = (1 - α) * M + S
        assert torch.allclose(it.state.M[lane], M, atol=1e-5)
        logits = it.predict(x)[lane]
        assert torch.allclose(logits[-1, y[lane].unique()],
                              (k @ M * core.s[lane])[y[lane].unique()], atol=1e-4)  # fmt: skip
        assert (logits[:, [c for c in range(10) if c not in y[lane]]] == UNSEEN).all()


def test_only_the_memory_moves_and_a_batch_may_come_in_pieces():
    whole, pieces, (x, y) = learner(), learner(), examples()
    before = {name: W.clone() for name, W in whole.core.state_dict().items()}
    whole.observe(x, y)
    for cut in (slice(0, 5), slice(5, 12)):
        pieces.observe(x[:, cut], y[:, cut])
    assert torch.allclose(whole.state.M, pieces.state.M, atol=1e-6)
    assert all(torch.equal(W, before[name]) for name, W in whole.core.state_dict().items())
    state = whole.state.M.clone()
    whole.predict(x)
    assert torch.equal(state, whole.state.M)


def test_it_lives_through_a_stream():
    history = cl.run(learner(), cl.split_digits(seeds=LANES), epochs=1)
    assert history.accuracy.shape == (2, 5, 5) and isinstance(learner(), cl.learner.Learner)
    assert (history.accuracy[:, 0, 0] > 0.6).all()
    assert learner().memory_bytes() == 2 * 8 * 10 * 4 + 10


def test_learning_to_write_is_learning():
    earlier = cl.turned(cl.split_digits(seeds=LANES)[:2])
    core = cl.MemoryCore(64, seeds=LANES)
    wise = cl.learn_to_write(core, earlier, classes=4, shots=8, steps=80)
    upright = cl.split_digits(seeds=LANES)[:2]
    histories = (cl.run(cl.MemoryLearner(one), upright, epochs=1, held_out="validation")
                 for one in (core, wise))  # fmt: skip
    before, after = (history.accuracy[:, -1].mean() for history in histories)
    assert after > before + 0.1
    assert not torch.equal(core.A, wise.A)
    assert torch.equal(core.A, cl.MemoryCore(64, seeds=LANES).A)


def test_little_streams_come_pair_by_pair_and_ask_about_other_examples():
    x = torch.arange(6 * 8.0).reshape(1, 6, 8, 1)
    written, asked, y = cl.memory_learner._little_streams(cl.LaneRandom(1, "r"), x, 4, 3)
    assert written.shape == (1, 4, 12, 1) and y.shape == (1, 4, 12)
    for text in range(4):
        assert set(y[0, text, :6].tolist()) == {0, 1} and set(y[0, text, 6:].tolist()) == {2, 3}
        of = written[0, text, :, 0] // 8  # the class it truly is
        assert torch.equal(of, asked[0, text, :, 0] // 8)
        assert len({(int(a), int(b)) for a, b in zip(of, y[0, text], strict=True)}) == 4
        assert (written[0, text] % 8 < 4).all() and (asked[0, text] % 8 >= 4).all()


def test_turned_images_by_hand():
    stream = cl.split_digits(seeds=LANES)
    one, eight = stream[1], cl.turned(stream)[1]
    n, image = one.x.shape[1], one.x[1, 3].reshape(8, 8)
    assert eight.x.shape == (2, 8 * n, 64) and cl.turned(stream).classes == 80
    assert torch.equal(eight.x[1, 3].reshape(8, 8), image)
    assert torch.equal(eight.x[1, n + 3].reshape(8, 8), image.T.flip(0))
    assert torch.equal(eight.x[1, 2 * n + 3].reshape(8, 8), image.flip(0, 1))
    assert torch.equal(eight.x[1, 4 * n + 3].reshape(8, 8), image.flip(1))
    assert torch.equal(eight.y[1, n : 2 * n], one.y[1] + 10)
    distinct = eight.x[1].reshape(8, n, 64)[:, 3]
    assert len({tuple(row.tolist()) for row in distinct}) == 8
    assert cl.turned(cl.split_digits())[0].x.shape == (8 * 256, 64)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: cl.MemoryCore(0, seeds=2), "inputs=0"),
        (lambda: cl.MemoryCore(64, width=-1, seeds=2), "width=-1"),
        (lambda: cl.MemoryLearner(cl.MemoryCore(64, seeds=2), 1), "classes=1"),
        (lambda: learner().observe(torch.zeros(2, 3, 5), torch.zeros(2, 3).long()), "x is"),
        (lambda: learner().observe(torch.full((2, 1, 64), torch.nan), torch.zeros(2, 1).long()),
         "NaN"),
        (lambda: cl.learn_to_write(cl.MemoryCore(9, seeds=2), cl.split_digits(seeds=2)[:1]),
         "has 64 features"),
        (lambda: cl.turned(cl.paired_lists(seeds=2)), "cannot be turned"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message):
        wrong()
