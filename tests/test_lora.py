"""Notes on a frozen network against the formula written out, and against autograd."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import clcourse as cl
from clcourse.lora import WithNotes, add_lora, matrices, merge, unmerge
from clcourse.transformer import tiny_transformer


def networks():
    return {"mlp": cl.mlp(12, 9, 5, seeds=3), "transformer": tiny_transformer(20, width=8, heads=2,
            seeds=3)}  # fmt: skip


def inputs(kind: str) -> torch.Tensor:
    random = cl.LaneRandom(3, "inputs")
    return random.normal(6, 12) if kind == "mlp" else random.integers(42, 20).reshape(3, 6, 7)


@pytest.fixture(params=["mlp", "transformer"], name="kind")
def _kind(request):
    return request.param


def noted(kind: str, r: int = 2, alpha: float = 6.0) -> WithNotes:
    """A network with a note that is not empty any more."""
    network = add_lora(networks()[kind], r, alpha)
    with torch.no_grad():
        for note in network.notes["note"].values():
            note["B"].copy_(cl.LaneRandom(3, "B").normal(*note["B"].shape[1:]))
    return network


def test_a_new_note_changes_nothing(kind):
    base = networks()[kind]
    assert torch.equal(add_lora(base, 2)(inputs(kind)), base(inputs(kind)))


def test_every_matrix_gets_its_product(kind):
    network, base = noted(kind), networks()[kind]
    weights = dict(base.named_parameters())
    by_hand = copy.deepcopy(base)
    with torch.no_grad():
        for name, W in by_hand.named_parameters():
            if name in matrices(base):
                note = network.notes["note"][name.replace(".", "/")]
                for lane in range(3):
                    product = note["A"][lane] @ note["B"][lane]
                    W[lane] = weights[name][lane] + 6.0 / 2 * product
    assert torch.allclose(network(inputs(kind)), by_hand(inputs(kind)), atol=1e-5)
    assert not torch.allclose(network(inputs(kind)), base(inputs(kind)), atol=1e-3)


def test_off_is_exactly_the_base_even_after_training(kind):
    base, network = networks()[kind], add_lora(networks()[kind], 2)
    x, y = inputs(kind), torch.zeros(3, 6, dtype=torch.long)
    before = base(x)
    learner = cl.GradientLearner(network, lr=0.1)
    for _ in range(5):
        learner.observe(x, y)
    assert not torch.allclose(network(x), before)
    assert torch.equal(network.only()(x), before)


def test_only_the_notes_learn(kind):
    network = add_lora(networks()[kind], 2)
    names = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert names == {"notes"}
    cl.cross_entropy(network(inputs(kind)), torch.ones(3, 6, dtype=torch.long)).sum().backward()
    assert all(W.grad is None for W in network.base.parameters())
    assert any(part.grad.abs().sum() > 0 for part in network.parameters())


def test_the_gradient_is_that_of_the_weights_through_the_product():
    """dL/dA = s dL/dW Bᵀ and dL/dB = s Aᵀ dL/dW, with dL/dW of the merged network."""
    network, x = noted("mlp"), inputs("mlp")
    y = torch.ones(3, 6, dtype=torch.long)
    cl.cross_entropy(network(x), y).sum().backward()
    plain = merge(network).requires_grad_()
    cl.cross_entropy(plain(x), y).sum().backward()
    for name, W in matrices(plain).items():
        note = network.notes["note"][name.replace(".", "/")]
        assert torch.allclose(note["A"].grad, 3 * W.grad @ note["B"].mT, atol=1e-5)
        assert torch.allclose(note["B"].grad, 3 * note["A"].mT @ W.grad, atol=1e-5)


def test_merged_is_a_plain_network_and_unmerged_the_base(kind):
    network, base, x = noted(kind), networks()[kind], inputs(kind)
    merged = merge(network)
    assert type(merged) is type(base)
    assert torch.allclose(merged(x), network(x), atol=1e-5)
    assert torch.allclose(unmerge(merged, network)(x), base(x), atol=1e-4)
    assert torch.equal(network.only()(x), base(x)), "merging leaves the original alone"


def test_several_notes_add_up_and_switch_apart(kind):
    network = add_lora(noted(kind), 1, name="second")
    with torch.no_grad():
        for note in network.notes["second"].values():
            note["B"].fill_(0.1)
    x = inputs(kind)
    changes = {}
    for names in (("note",), ("second",), ("note", "second")):
        network.only(*names)
        weights = dict(network.base.named_parameters())
        changes[names] = {k: W - weights[k] for k, W in network.changed_weights().items()}
    for where, both in changes["note", "second"].items():
        assert torch.allclose(both, changes["note",][where] + changes["second",][where], atol=1e-6)
    assert torch.allclose(network.only("note")(x), noted(kind)(x))


def test_a_note_that_is_off_does_not_learn(kind):
    network = add_lora(noted(kind), 1, name="second").only("second")
    assert {n.split(".")[1] for n, p in network.named_parameters() if p.requires_grad} == {"second"}


def test_bytes_of_a_note():
    network = add_lora(cl.mlp(12, 9, 5, seeds=3), 2)
    assert network.note_bytes("note") == 4 * 2 * ((12 + 9) + (9 + 5))


def test_a_lane_writes_the_same_note_alone_and_in_company():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone, together = (add_lora(cl.mlp(12, 9, 5, seeds=seeds), 2) for seeds in ([2], 3))
    for one, many in zip(alone.parameters(), together.parameters(), strict=True):
        assert torch.equal(one[0], many[2])
    torch.set_num_threads(threads)


@given(r=st.integers(1, 5))
@settings(max_examples=5, deadline=None)
def test_the_change_has_the_rank_of_the_note(r):
    network = noted("mlp", r)
    weights = dict(network.base.named_parameters())
    for name, W in network.changed_weights().items():
        assert (torch.linalg.matrix_rank((W - weights[name]).double(), atol=1e-5) == r).all()


@pytest.mark.parametrize("r", [0, -1, 6, 2.5, True])
def test_a_rank_must_fit(r):
    with pytest.raises(cl.CourseError, match="rank from 1 to 5"):
        add_lora(cl.mlp(12, 9, 5), r)


def test_names_must_be_new_and_known():
    network = add_lora(cl.mlp(12, 9, 5), 2)
    with pytest.raises(cl.CourseError, match="'note' is taken"):
        add_lora(network, 2)
    for call in (network.only, network.note_bytes):
        with pytest.raises(cl.CourseError, match="no note 'other'"):
            call("other")
