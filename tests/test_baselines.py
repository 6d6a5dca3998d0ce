"""The floors are their batch solutions (scikit-learn, explicit sums), in any order of the data."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

import clcourse as cl

LANES, INPUTS, CLASSES = 3, 5, 4
SUMS = {
    "means": lambda seeds=LANES: cl.ClassMeans(INPUTS, CLASSES, seeds=seeds),
    "LDA": lambda seeds=LANES: cl.StreamingLDA(INPUTS, CLASSES, shrinkage=0.1, seeds=seeds),
    "ridge": lambda seeds=LANES: cl.StreamingRidge(
        INPUTS, CLASSES, features=12, strength=0.3, seeds=seeds
    ),
}
NEIGHBOUR = {"neighbour": lambda seeds=LANES: cl.NearestNeighbour(INPUTS, CLASSES, seeds=seeds)}
every_sum = pytest.mark.parametrize("make", SUMS.values(), ids=SUMS)
every_floor = pytest.mark.parametrize("make", (SUMS | NEIGHBOUR).values(), ids=SUMS | NEIGHBOUR)


def data(count: int = 60, scale: float = 1.0, seed: int = 0):
    """Correlated clouds with unequal numbers of examples: x, y."""
    random = torch.Generator().manual_seed(seed)
    y = torch.multinomial(torch.tensor([4.0, 3, 2, 1]), LANES * count, True, generator=random)
    y = y.reshape(LANES, count)
    centres = torch.randn(LANES, CLASSES, INPUTS, generator=random)
    mix = torch.randn(LANES, INPUTS, INPUTS, generator=random)
    noise = torch.randn(LANES, count, INPUTS, generator=random) @ mix
    return scale * (centres[torch.arange(LANES)[:, None], y] + 0.7 * noise), y


def taught(learner, x, y, batch: int = 7):
    for some_x, some_y in zip(x.split(batch, 1), y.split(batch, 1), strict=True):
        learner.observe(some_x, some_y)
    return learner


def fit(model, x, y):
    """One scikit-learn model a lane."""
    return [clone(model).fit(a, b) for a, b in zip(x.double().numpy(), y.numpy(), strict=True)]


def test_class_means_are_nearest_centroids():
    x, y = data()
    new, _ = data(seed=1)
    learner = taught(cl.ClassMeans(INPUTS, CLASSES, seeds=LANES), x, y)
    for lane, model in enumerate(fit(NearestCentroid(), x, y)):
        assert np.allclose(learner.means()[lane].T, model.centroids_, atol=1e-8)
        answers = learner.predict(new)[lane].argmax(-1)
        assert (answers.numpy() == model.predict(new[lane].double().numpy())).all()


def test_the_nearest_neighbour_of_everything_is_that_of_scikit_learn():
    x, y = data()
    new, _ = data(seed=1)
    learner = taught(cl.NearestNeighbour(INPUTS, CLASSES, capacity=60, seeds=LANES), x, y)
    for lane, model in enumerate(fit(KNeighborsClassifier(1), x, y)):
        answers = learner.predict(new)[lane]
        assert (answers.argmax(-1).numpy() == model.predict(new[lane].double().numpy())).all()
        distance = model.kneighbors(new[lane].double().numpy())[0][:, 0]
        assert np.allclose(answers.max(-1).values, -0.5 * distance**2, atol=1e-5)


def test_the_nearest_neighbour_stores_as_many_bytes_as_a_replay_buffer():
    stream = cl.split_digits(seeds=2)
    replay = cl.GradientLearner(cl.mlp(64, 5, 10, seeds=2), replay=cl.Reservoir(20))
    floor = cl.NearestNeighbour(64, 10, capacity=20, seeds=2)
    histories = [cl.run(one, stream, epochs=1) for one in (replay, floor)]
    assert len({one.cost.stored_bytes for one in histories}) == 1


class Shrunk:
    """(1 - ε) S + ε I for scikit-learn, which asks for it class by class."""

    def __init__(self, ε):
        self.ε = ε

    def get_params(self, deep=True):
        return {"ε": self.ε}

    def fit(self, x):
        centred = x - x.mean(0)
        self.covariance_ = (1 - self.ε) * centred.T @ centred / len(x) + self.ε * np.eye(x.shape[1])
        return self


@pytest.mark.parametrize("shrinkage", [1e-4, 0.1, 0.9])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_streaming_lda_is_the_batch_lda(shrinkage, offset):
    x, y = data()
    x = (x + offset).double()
    learner = taught(cl.StreamingLDA(INPUTS, CLASSES, shrinkage=shrinkage, seeds=LANES), x, y)
    batch = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Shrunk(shrinkage))
    for lane, model in enumerate(fit(batch, x, y)):
        assert np.allclose(learner.W[lane].T, model.coef_, rtol=1e-6, atol=1e-6)
        bias = model.intercept_ - np.log(model.priors_)
        assert np.allclose(learner.b[lane], bias, rtol=1e-6, atol=1e-6)


def test_lda_at_full_shrinkage_is_the_class_means():
    x, y = data()
    lda = taught(cl.StreamingLDA(INPUTS, CLASSES, shrinkage=1.0, seeds=LANES), x, y)
    means = taught(SUMS["means"](), x, y)
    assert torch.allclose(lda.W, means.W) and torch.allclose(lda.b, means.b)


def test_streaming_ridge_is_the_batch_ridge():
    x, y = data()
    learner = taught(SUMS["ridge"](), x, y)
    onehot = np.eye(CLASSES)[y.numpy()]
    for lane in range(LANES):
        R = learner.R[lane].numpy()
        φ = np.maximum(x[lane].double().numpy() @ R[:-1] + R[-1], 0)
        model = Ridge(alpha=0.3, fit_intercept=False, solver="cholesky").fit(φ, onehot[lane])
        assert np.allclose(learner.W[lane].T, model.coef_, atol=1e-6)
        assert np.allclose(learner.predict(x)[lane], model.predict(φ), atol=1e-5)


@every_sum
def test_further_epochs_change_nothing_but_the_weight_of_the_ridge(make):
    x, y = data()
    once, often = taught(make(), x, y), make()
    if isinstance(often, cl.StreamingRidge):
        often.strength *= 10
    for _ in range(10):
        taught(often, x, y)
    assert torch.allclose(once.W, often.W, atol=1e-8) and torch.allclose(once.b, often.b)


@every_sum
@given(cuts=st.lists(st.integers(1, 39), max_size=6, unique=True), order=st.permutations(range(40)))
@settings(max_examples=40)
def test_neither_the_batches_nor_the_order_matter(make, cuts, order):
    x, y = data(40)
    together, apart = make(), make()
    together.observe(x, y)
    x, y, edges = x[:, order], y[:, order], [0, *sorted(cuts), 40]
    for start, end in zip(edges, edges[1:], strict=False):
        apart.observe(x[:, start:end], y[:, start:end])
    for name in ("n", "B", "W", "b"):
        assert torch.allclose(getattr(together, name), getattr(apart, name), atol=1e-7)


@every_floor
def test_the_whole_run_of_a_stream_is_the_joint_solution(make):
    """Class by class, or mixed."""
    x, y = data()
    by_class = torch.argsort(y, dim=1)
    lane = torch.arange(LANES)[:, None]
    sorted_, mixed = taught(make(), x[lane, by_class], y[lane, by_class]), taught(make(), x, y)
    assert torch.allclose(sorted_.predict(x), mixed.predict(x), atol=1e-4)


@every_floor
@given(scale=st.floats(1e-3, 1e5), seen=st.sets(st.integers(0, 3), min_size=1, max_size=3))
@settings(max_examples=30)
def test_an_unseen_class_never_wins_and_every_logit_is_finite(make, scale, seen):
    x, y = data(20, scale)
    y = torch.tensor(sorted(seen))[y % len(seen)]
    learner = make()
    first = learner.observe(x, y)
    assert (first == first[0, 0, 0]).all()
    logits = learner.predict(x)
    assert torch.isfinite(logits).all()
    assert all(set(answers.tolist()) <= set(y.unique().tolist()) for answers in logits.argmax(-1))


@every_floor
def test_an_answer_out_of_question_loses_even_to_an_unseen_class(make):
    x, y = data()
    learner = taught(make(), x, y.clamp(max=1))
    allowed = torch.tensor([False, False, False, True]).expand(LANES, -1)
    assert (learner.predict(x, allowed).argmax(-1) == 3).all()


@every_floor
def test_bytes_are_those_of_what_is_stored(make):
    x, y = data()
    learner = taught(make(), x, y)
    if isinstance(learner, cl.NearestNeighbour):
        assert learner.memory_bytes() == 200 * (4 * INPUTS + 8)
        return
    features = learner.B.shape[1]
    products = 0 if isinstance(learner, cl.ClassMeans) else features**2
    assert learner.memory_bytes() == 8 * (CLASSES + features * CLASSES + products)


def test_random_features_belong_to_their_lane_and_do_not_grow_with_their_number():
    alone, together = SUMS["ridge"]([2]), SUMS["ridge"](LANES)
    assert torch.equal(alone.R[0], together.R[2]) and not torch.equal(together.R[0], together.R[1])
    x, _ = data()
    few, many = (
        cl.StreamingRidge(INPUTS, CLASSES, features=features, seeds=LANES).φ(x).square().sum(-1)
        for features in (500, 4000)
    )
    assert torch.allclose(few.mean(), many.mean(), rtol=0.1)
    # Half of E[(rᵀx + r₀)²] = |x|² + 1 survives the rectifier.
    assert torch.allclose(many.mean(), (x.square().sum(-1).mean() + 1).double() / 2, rtol=0.05)


@every_floor
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x[:2], y), r"x is \(2, 60, 5\); expected \(seeds, batch, features\)"),
        (lambda x, y: (x[..., :4], y), r"expected .* = \(3, batch, 5\)"),
        (lambda x, y: (x[0], y), r"x is \(60, 5\)"),
        (lambda x, y: (x / 0, y), "NaN or infinity"),
        (lambda x, y: (x, y[:, :5]), r"y is \(3, 5\)"),
        (lambda x, y: (x, y.float()), "torch.float32; expected class numbers"),
        (lambda x, y: (x, y.int()), "torch.int32; expected class numbers"),
        (lambda x, y: (x[:, :0], y[:, :0]), "at least one example"),
        (lambda x, y: (x, y + 1), "labels from 1 to 4; expected 0 … 3"),
        (lambda x, y: (x, y - 1), "labels from -1 to 2; expected 0 … 3"),
    ],
)
def test_bad_batches_are_refused_in_one_sentence_and_leave_no_trace(make, change, words):
    x, y = data()
    learner = taught(make(), x, y)
    before = learner.predict(x)
    with pytest.raises(cl.CourseError, match=words) as error:
        learner.observe(*change(x, y))
    assert str(error.value).count(";") == 1 and "\n" not in str(error.value)
    assert torch.equal(learner.predict(x), before)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cl.ClassMeans(0, 10), "inputs=0; expected a whole number of at least 1"),
        (lambda: cl.ClassMeans(64, 1), "classes=1; expected a whole number of at least 2"),
        (lambda: cl.ClassMeans(64, 10, seeds=0), "names no usable lanes"),
        (lambda: cl.NearestNeighbour(64, 10, capacity=0), "capacity 0 holds nothing"),
        (lambda: cl.StreamingLDA(64, 10, shrinkage=0), "shrinkage=0; expected more than 0"),
        (lambda: cl.StreamingLDA(64, 10, shrinkage=1.1), "shrinkage=1.1; expected"),
        (lambda: cl.StreamingLDA(64, 10, shrinkage=float("nan")), "shrinkage=nan"),
        (lambda: cl.StreamingRidge(64, 10, features=0), "features=0; expected a whole number"),
        (lambda: cl.StreamingRidge(64, 10, features=2.5), "features=2.5; expected a whole number"),
        (lambda: cl.StreamingRidge(64, 10, strength=0.0), "strength=0.0; expected a finite"),
        (lambda: cl.StreamingRidge(64, 10, strength=float("inf")), "strength=inf; expected"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(make, words):
    with pytest.raises(cl.CourseError, match=words):
        make()


def test_sums_that_cannot_be_inverted_name_the_knob():
    learner = cl.StreamingRidge(INPUTS, CLASSES, features=12, strength=1e-300, seeds=LANES)
    with pytest.raises(cl.CourseError, match="strength=1e-300 is too small .*: try strength=1e-06"):
        learner.observe(*(part[:, :2] for part in data()))


def test_a_stream_of_other_features_is_refused():
    with pytest.raises(cl.CourseError, match=r"x is \(2, 1, 64\); expected .* \(2, batch, 10\)"):
        cl.run(cl.ClassMeans(10, 10, seeds=2), cl.split_digits(seeds=2))
