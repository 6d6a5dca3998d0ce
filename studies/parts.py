"""What a study has made so far is kept on disk, so that it may be stopped and started again."""

from __future__ import annotations

import json
from collections.abc import Callable

from clcourse.pretraining import cache_folder


class Parts:
    """The parts of a study: each is made once, kept beside the practised networks, and told."""

    def __init__(self, name: str) -> None:
        self.path = cache_folder() / f"{name}_parts.json"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.made = json.loads(self.path.read_text()) if self.path.exists() else {}

    def __call__(self, name: str, make: Callable[[], dict]) -> dict:
        """make(), or what it gave before; the file is there whole or not at all."""
        if name not in self.made:
            self.made[name] = make()
            unfinished = self.path.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(self.made))
            unfinished.replace(self.path)
            print(name[:80], json.dumps(self.made[name])[:160], flush=True)
        return self.made[name]
