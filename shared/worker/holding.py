"""How much of a message is kept while it waits its turn, and in `pin.dead`.

A lane holds three batches of messages, each of up to `max_message_size`: whole, they would fill the memory
of any worker. So a message is read when it arrives, and what is large is kept small from then on.
"""

import hashlib
import zlib
from dataclasses import replace

from shared.broker.message import Arrived, Cut

LARGE = 32 * 1024
"""Bytes from which on a body is packed or cut. What the contract can mean takes a tenth of it."""


def whole(arrived: Arrived) -> Arrived:
    """Return a message as it is: one of a worker's own, which are few and of a known size."""
    return arrived


def packed(arrived: Arrived) -> Arrived:
    """Return a message to be handled, its body packed if large: most of a large one is padding."""
    if len(arrived.body) <= LARGE:
        return arrived
    return replace(arrived, body=zlib.compress(arrived.body, 1), is_packed=True)


def cut(arrived: Arrived) -> Arrived:
    """Return a message that will not be handled, its body cut if large; length and digest say what it was."""
    if len(arrived.body) <= LARGE:
        return arrived
    was = Cut(len(arrived.body), hashlib.sha256(arrived.body).hexdigest())
    return replace(arrived, body=arrived.body[:LARGE], cut=was)


def unpacked(arrived: Arrived) -> bytes:
    """Return the body as it came; of one that was cut, what is left."""
    return zlib.decompress(arrived.body) if arrived.is_packed else arrived.body
