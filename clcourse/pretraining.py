"""Before any stream: how networks are trained once, and kept on disk for the next time.

The rate warms up in a straight line and comes down along a cosine (Loshchilov & Hutter 2017); each
lane's gradient is clipped on its own. Weights lie in the folder CLCOURSE_CACHE, or in
~/.cache/clcourse, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch


def schedule(step: int, steps: int, warm_up: int = 50, last: float = 0.05) -> float:
    """Share of the learning rate: up in a straight line, down along a cosine."""
    if step < warm_up:
        return (step + 1) / warm_up
    gone = (step - warm_up) / max(1, steps - warm_up)
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * gone))


@torch.no_grad()
def clip_each_lane(network: torch.nn.Module, longest: float) -> None:
    """Shorten each lane's gradient to a length of at most `longest`."""
    gradients = [θ.grad for θ in network.parameters() if θ.grad is not None]
    length = sum(g.flatten(1).square().sum(dim=1) for g in gradients).sqrt()
    share = (longest / length.clamp(min=1e-12)).clamp(max=1.0)
    for g in gradients:
        g.mul_(share.reshape(-1, *[1] * (g.dim() - 1)))


def kept(
    name: str, fresh: torch.nn.Module, settings: dict, rooms: tuple[str, ...], train: Callable
) -> torch.nn.Module:
    """train(), or what it gave before with the same settings.

    fresh  the network before training, into which kept weights are loaded; rooms: the modules that
    the weights depend on: after a change of their code the weights are made again.
    """
    texts = [path.read_bytes() for room in rooms for path in _files(room)]
    code = hashlib.sha256(b"".join(texts)).hexdigest()
    settings = {"version": version("clcourse"), "code": code} | settings
    key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    path = cache_folder() / f"{name}_{key}.safetensors"
    if path.exists() and _loaded(fresh, path):
        return fresh
    trained = train()
    _save(trained, path)
    return trained


def cache_folder() -> Path:
    """Where weights are kept between runs."""
    return Path(os.environ.get("CLCOURSE_CACHE") or Path.home() / ".cache" / "clcourse")


def _files(room: str) -> list[Path]:
    """The files of a room: one, or those of a folder."""
    folder = Path(__file__).with_name(room)
    return sorted(folder.glob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def _save(network: torch.nn.Module, path: Path) -> None:
    """Write the weights; the file is there whole or not at all."""
    from safetensors.torch import save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
        unfinished.write_bytes(save({k: v.cpu() for k, v in network.state_dict().items()}))
        unfinished.replace(path)
    except OSError as error:
        warnings.warn(
            f"The weights could not be kept ({error}); they work all the same.", stacklevel=4
        )


def _loaded(network: torch.nn.Module, path: Path) -> bool:
    """Fill the network from a file; say so and return False if the file is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        network.load_state_dict(load(path.read_bytes()))
        return all(bool(torch.isfinite(θ).all()) for θ in network.parameters())
    except (SafetensorError, RuntimeError, OSError, ValueError) as error:
        warnings.warn(
            f"The kept weights {path.name} are damaged ({type(error).__name__}); training again.",
            stacklevel=4,
        )
        return False
