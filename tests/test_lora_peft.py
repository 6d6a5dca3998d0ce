"""Notes on a frozen network are what the reference library makes of them: peft, lane by lane."""

import warnings

import pytest
import torch
from torch import nn

import clcourse as cl

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the library's own imports
    import peft

LANES, R, ALPHA = 2, 3, 5.0


class Dense(nn.Module):
    """The MLP of one lane in layers that peft knows."""

    def __init__(self, network, lane: int) -> None:
        super().__init__()
        self.weights = nn.ModuleList(
            _linear(W[lane], b[lane, 0])
            for W, b in zip(network.weights, network.biases, strict=True)
        )

    def forward(self, x):
        for layer in self.weights[:-1]:
            x = layer(x).relu()
        return self.weights[-1](x)


class Encoder(nn.Module):
    """The tiny transformer of one lane in layers that peft knows."""

    def __init__(self, network, lane: int) -> None:
        super().__init__()
        self.heads, self.E, self.c = network.heads, network.E[lane], network.c[lane]
        self.end = network.scale[lane, 0], network.shift[lane, 0], network.U[lane]
        self.blocks = nn.ModuleList()
        self.norms = []
        for block in network.blocks:
            part = {name: value[lane] for name, value in block.items()}
            biases = {"up": part["up_bias"][0], "down": part["down_bias"][0]}
            names = ("query", "key", "value", "output", "up", "down")
            self.blocks.append(
                nn.ModuleDict({name: _linear(part[name], biases.get(name)) for name in names})
            )
            self.norms.append(
                {k: part[k][0] for k in part if k.startswith("scale") or k.startswith("shift")}
            )

    def forward(self, x):
        e = self.E[x]
        h = sum(self.c[back] * nn.functional.pad(e, (0, 0, back, 0))[:, : x.shape[1]]
                for back in range(4))  # fmt: skip
        for block, norm in zip(self.blocks, self.norms, strict=True):
            seen = _norm(h, norm["scale_attention"], norm["shift_attention"])
            q, k, v = (
                block[name](seen).unflatten(-1, (self.heads, -1)).transpose(1, 2)
                for name in ("query", "key", "value")
            )
            mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            h = h + block["output"](mixed.transpose(1, 2).flatten(2))
            seen = _norm(h, norm["scale_mlp"], norm["shift_mlp"])
            h = h + block["down"](nn.functional.gelu(block["up"](seen)))
        scale, shift, U = self.end
        return _norm(h[:, -1], scale, shift) @ U


def _linear(W: torch.Tensor, b: torch.Tensor | None) -> nn.Linear:
    layer = nn.Linear(*W.shape, bias=b is not None)
    layer.weight.data = W.detach().T.clone()
    if b is not None:
        layer.bias.data = b.detach().clone()
    return layer


def _norm(h, scale, shift):
    return nn.functional.layer_norm(h, h.shape[-1:], scale, shift)


def mlp():
    x = cl.LaneRandom(LANES, "x").normal(7, 12)
    return cl.mlp(12, 9, 5, seeds=LANES), Dense, x, ["weights.0", "weights.1"]


def transformer():
    x = cl.LaneRandom(LANES, "x").integers(42, 20).reshape(LANES, 6, 7)
    names = ["query", "key", "value", "output", "up", "down"]
    return cl.tiny_transformer(20, width=8, heads=2, layers=2, seeds=LANES), Encoder, x, names


@pytest.mark.parametrize("make", [mlp, transformer])
def test_forward_gradient_and_merged_weights_are_those_of_peft(make):
    network, Twin, x, names = make()
    noted = cl.add_lora(network, R, ALPHA)
    random = cl.LaneRandom(LANES, "B")
    for pair in noted.notes["note"].values():
        pair["B"].data.copy_(random.normal(*pair["B"].shape[1:]))
    y = torch.ones(x.shape[:2], dtype=torch.long)
    ours = noted(x)
    cl.cross_entropy(ours, y).sum().backward()
    merged = dict(cl.merge(noted).named_parameters())
    for lane in range(LANES):
        settings = peft.LoraConfig(r=R, lora_alpha=ALPHA, target_modules=names)
        twin = peft.get_peft_model(Twin(network, lane), settings)
        theirs = {
            name.removeprefix("base_model.model."): layer
            for name, layer in twin.named_modules()
            if hasattr(layer, "lora_A") and hasattr(layer, "base_layer")
        }
        assert set(theirs) == {where.replace("/", ".") for where in noted.notes["note"]}
        for where, pair in noted.notes["note"].items():
            layer = theirs[where.replace("/", ".")]
            layer.lora_A["default"].weight.data = pair["A"][lane].detach().T.clone()
            layer.lora_B["default"].weight.data = pair["B"][lane].detach().T.clone()
        answers = twin(x[lane])
        assert torch.allclose(ours[lane], answers, atol=1e-4)
        nn.functional.cross_entropy(answers, y[lane]).backward()
        for where, pair in noted.notes["note"].items():
            layer = theirs[where.replace("/", ".")]
            for ours_, their in (("A", layer.lora_A), ("B", layer.lora_B)):
                gradient = their["default"].weight.grad.T
                assert torch.allclose(pair[ours_].grad[lane], gradient, atol=1e-5)
        twin.merge_adapter()
        for where in noted.notes["note"]:
            name = where.replace("/", ".")
            assert torch.allclose(merged[name][lane], theirs[name].base_layer.weight.T, atol=1e-5)
        counted = sum(p.numel() for p in twin.parameters() if p.requires_grad)
        assert noted.note_bytes("note") == 4 * counted
