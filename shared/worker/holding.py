"""How many messages wait in memory, and how much is kept of one there, and in `pin.dead`.

A lane holds up to three batches of messages, each of up to `max_message_size`: complete, they would exhaust
a worker's memory. So a message is read when it arrives, and a large one is then packed or cut.
"""

import hashlib
import zlib
from dataclasses import replace

from shared.broker.message import Arrived, Cut

LARGE = 32 * 1024
"""Bytes above which a body is packed or cut. The longest command has five thousand characters."""

_MOST = 1000
"""Messages held, at most, unless one batch is larger: all may be large."""


def held(batch: int) -> int:
    """Return how many messages a lane asks for: a batch in hand, one being published, one that waits."""
    return max(batch, min(3 * batch, _MOST))


def whole(arrived: Arrived) -> Arrived:
    """Return a message unchanged: one from a worker, which are few and of known size."""
    return arrived


def packed(arrived: Arrived) -> Arrived:
    """Return a message to be handled, its body packed if large: most of a large one is padding."""
    if len(arrived.body) <= LARGE:
        return arrived
    return replace(arrived, body=zlib.compress(arrived.body, 1), is_packed=True)


def cut(arrived: Arrived) -> Arrived:
    """Return a message that will not be handled, its body cut if large; length and digest are kept."""
    if len(arrived.body) <= LARGE:
        return arrived
    was = Cut(len(arrived.body), hashlib.sha256(arrived.body).hexdigest())
    return replace(arrived, body=arrived.body[:LARGE], cut=was)


def unpacked(arrived: Arrived) -> bytes:
    """Return the body as received; of one that was cut, the beginning."""
    return zlib.decompress(arrived.body) if arrived.is_packed else arrived.body
