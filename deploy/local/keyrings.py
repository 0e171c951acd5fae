"""The keys of each worker: one directory per worker, with its keys only."""

import os
from pathlib import Path

from deploy.local.workers import ALL
from shared.crypto.keyrings import RINGS, ring_of

KEYS = {name: frozenset[str]() if worker.bare else RINGS[worker.logs_as] for name, worker in ALL.items()}


def keyring(worker: str, keys: Path, *, signs: bool = False) -> Path:
    """Create the directory of one worker's keys beside that of all keys; return it.

    A key that it had before and needs no longer is taken from it.
    """
    ring = keys.with_name("keyrings") / worker
    ring.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = ring_of(ALL[worker].logs_as, signs=signs)
    for path in ring.iterdir():
        if path.name not in names:
            path.unlink()
    for name in names:
        # A key that was changed is another file of the same name.
        if not (ring / name).exists() or not (ring / name).samefile(keys / name):
            (ring / name).unlink(missing_ok=True)
            os.link(keys / name, ring / name)
    return ring
