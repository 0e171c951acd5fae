"""Which process has which keys: the one table that processes, local stack and deployments follow.

A process reads no key outside its ring, and its ring has no key that it does not read
(`tests/unit/worker/test_keyrings.py`). No ring has two channels' private keys: no process opens both halves.
"""

from collections.abc import Mapping
from typing import Final

from shared.contract.channels import CHANNELS, Channel
from shared.contract.delivery import Content, Mail, Post, Sms

SENDS: Final[Mapping[str, tuple[type[Content], ...]]] = {
    "issuer-requests": (Sms, Mail, Post),
    "issuer-access": (Sms, Mail),
    "revoker": (Sms, Mail),
    "dispositivo": (Mail,),
    "notifier-receipts": (Sms, Mail, Post),
}
"""What each process sends: to citizens, or as canaries. It seals that to the channels which carry it."""
_OPENS: Final[Mapping[str, tuple[str, ...]]] = {
    "issuer-requests": ("subject.key", "account.key", "pepper.key"),
    "issuer-access": ("issuer.key", "subject.key", "account.key", "pepper.key"),
    "revoker": ("revoker.key", "subject.key", "account.key", "pepper.key"),
    "dispositivo": ("subject.key", "account.key"),
    "notifier-receipts": (),
    **{channel.worker: (f"{channel.key}.key",) for channel in CHANNELS},
}


def channels_of(process: str) -> tuple[Channel, ...]:
    """Return the channels that a process sends to."""
    return tuple(channel for channel in CHANNELS if channel.content in SENDS.get(process, ()))


def ring_of(process: str, *, signs: bool) -> frozenset[str]:
    """Return the files of a process, with the key that it signs by if it does."""
    user = process.partition("-")[0]
    return RINGS[process] | ({f"{user}-signing.key"} if signs else frozenset())


RINGS: Final[Mapping[str, frozenset[str]]] = {
    process: frozenset((*opens, *(f"{channel.key}.pub" for channel in channels_of(process))))
    for process, opens in _OPENS.items()
}
"""The files of each process, by the name under which it logs."""
