"""The keys of each worker: one directory per worker, with its keys only."""

import os
from pathlib import Path

from shared.contract.channels import CHANNELS

_DECIDING = ("subject.key", "account.key", "pepper.key", *(f"{channel.key}.pub" for channel in CHANNELS))
KEYS: dict[str, tuple[str, ...]] = {
    "issuer": ("issuer.key", *_DECIDING),
    "issuer-access": ("issuer.key", *_DECIDING),
    "revoker": ("revoker.key", *_DECIDING),
    "dispositivo": ("dispositivo.key", *_DECIDING),
    "notifier-receipts": ("subject.key",),
    **{channel.worker: (f"{channel.key}.key",) for channel in CHANNELS},
}
"""No worker has two channels' keys, so none can open both halves of a PIN."""


def keyring(worker: str, keys: Path) -> Path:
    """Create the directory of one worker's keys beside that of all keys; return it."""
    ring = keys.with_name("keyrings") / worker
    ring.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in KEYS[worker]:
        # A key that was changed is another file of the same name.
        if not (ring / name).exists() or not (ring / name).samefile(keys / name):
            (ring / name).unlink(missing_ok=True)
            os.link(keys / name, ring / name)
    return ring
