"""Which keys each worker is given: a directory a worker, with those and no others."""

import os
from pathlib import Path

_CHANNELS = ("sms", "email", "pec", "post")
_DECIDING = ("subject.key", "account.key", "pepper.key", *(f"{channel}.pub" for channel in _CHANNELS))
KEYS: dict[str, tuple[str, ...]] = {
    "issuer": ("issuer.key", *_DECIDING),
    "issuer-access": ("issuer.key", *_DECIDING),
    "revoker": ("revoker.key", *_DECIDING),
    "dispositivo": ("dispositivo.key", *_DECIDING),
    "notifier-receipts": ("subject.key",),
    **{f"notifier-{channel}": (f"{channel}.key",) for channel in _CHANNELS},
}
"""No worker has two channels' keys, so none can open both halves of a PIN."""


def keyring(worker: str, keys: Path) -> Path:
    """Return the directory of one worker's keys, which is made beside that of all keys."""
    ring = keys.with_name("keyrings") / worker
    ring.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in KEYS[worker]:
        if not (ring / name).exists():
            os.link(keys / name, ring / name)
    return ring
