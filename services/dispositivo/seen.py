"""What an operator decided is bound to what the operator saw (R25, R26).

With each request of the queue, and with each citizen looked up, goes `seen`: a keyed digest of exactly what
was shown, of whom, and of what had been decided by then. Who decides gives it back. If it is not that of what
would be shown now, documents or decision have changed since: new documents came, or another operator was
quicker. It can be made, and compared, with the key of the accounts alone; it tells nothing and fits no other
citizen. While that key changes, a `seen` made under any generation of it is good.
"""

import hmac
from hashlib import blake2b
from typing import Any, Protocol

import orjson

from shared.contract.reply import Reply, rejected
from shared.crypto.generations import Generations
from shared.domain.policy import PinPolicy
from shared.errors import Fault

_BYTES = 16
_REQUIRED = Fault("seen", "required", "What was shown has to be named by the seen that came with it.")


class SeenSeal:
    """Makes and compares `seen`.

    Args:
        key: a secret of the workers that open accounts, 32 bytes; another is derived from each generation.
    """

    def __init__(self, key: bytes | Generations) -> None:
        every = Generations.of(key).every
        self._keys = [blake2b(key=one, digest_size=32, person=b"seen").digest() for one in every]

    def of(self, kind: str, subject: bytes, shown: Any, given: str | None = None) -> str:  # noqa: ANN401 - JSON
        """Return the `seen` of what was shown.

        Args:
            kind: where it was shown: what is seen there cannot be given back elsewhere.
            subject: the citizen.
            shown: what was shown, as JSON, and what was decided; the order of its keys does not matter.
            given: what an operator gives back: it is returned if it was made of the same under an earlier or
                the next key.
        """
        text = orjson.dumps([kind, subject.hex(), shown], option=orjson.OPT_SORT_KEYS)
        made = [blake2b(text, key=key, digest_size=_BYTES).hexdigest() for key in self._keys]
        return next((one for one in made if given and hmac.compare_digest(given, one)), made[0])


class Decider(Protocol):
    """A command that may bring back what was seen."""

    @property
    def seen(self) -> str | None:
        """As it was given with what was shown."""


def lacks_seen(command: Decider, policy: PinPolicy) -> Reply | None:
    """Return the refusal of a command without `seen`, if the setting demands it."""
    if command.seen is None and policy.require_seen:
        return rejected("invalid", faults=(_REQUIRED,))
    return None


def differs(command: Decider, current: str | None) -> bool:
    """Return whether a command brings a `seen`, and not that of what would be shown now.

    Args:
        command: of the operator who decides.
        current: the `seen` of what would be shown now; None if nothing would be.
    """
    if command.seen is None:
        return False
    return current is None or not hmac.compare_digest(command.seen, current)
