"""Replies that leave a fixed time after the command came, so that their time tells nothing (R7, R11, R14)."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import structlog

from shared.broker.message import Message
from shared.broker.session import Session
from shared.contract.issuer import PinActivate, PinVerify
from shared.worker.batch import MessageResult
from shared.worker.offline_message import offline_message
from shared.worker.publishing import PendingAck, Publisher
from shared.worker.replies import DirectReplies
from tests.unit.worker.test_intake import LANE, SETTINGS

AFTER = timedelta(milliseconds=40)
VERIFY, ACTIVATE = (cast("Any", command).model_construct() for command in (PinVerify, PinActivate))


class Broker:
    """Takes the place of both sessions, and notes the replies of each publishing, and when it was."""

    def __init__(self) -> None:
        self.left: list[tuple[float, list[bytes]]] = []

    async def publish(self, messages: Sequence[Message], _: float) -> list[bool]:
        """Take messages of both kinds."""
        replies = [message.body for message in messages if message.type == "reply"]
        self.left.append((asyncio.get_running_loop().time(), replies))
        return [True] * len(messages)

    async def send(self, replies: Sequence[Message]) -> list[bool]:
        """Take no direct reply."""
        assert not replies
        return []


def result(message: object, outcome: str, *, blind: bool = False) -> MessageResult:
    received = offline_message("tests", message, bytes(16), "t")
    arrived = replace(received.arrived, reply_to="amq.gen-a", user_id="portal")
    received = replace(received, arrived=arrived, blind=blind)
    return MessageResult(received, outcome, reply=f"{type(message).__name__} {outcome} {blind}".encode())


async def left_in_time(*handled: MessageResult) -> dict[str, bool]:
    """Return of each reply whether it waited for its time."""
    broker: Any = Broker()
    settings = SETTINGS.model_copy(update={"blind_reply_after": AFTER})
    publisher = Publisher(LANE, settings, cast("DirectReplies", broker), structlog.get_logger())
    gathered_at = asyncio.get_running_loop().time()
    await publisher.publish(PendingAck(1, gathered_at, list(handled)), cast("Session", broker))
    (_, at_once), (later, in_time) = broker.left  # a machine that stands still delays the first as well
    assert later >= gathered_at + AFTER.total_seconds()
    return {body.decode(): body in in_time for body in (*at_once, *in_time)}


async def test_what_refuses_a_pin_leaves_in_its_time_and_what_accepts_one_at_once() -> None:
    """So a citizen of whom much is read and written, and one of whom nothing is known, are refused alike."""
    assert await left_in_time(
        result(VERIFY, "rejected"),
        result(VERIFY, "accepted"),
        result(ACTIVATE, "rejected"),
        result(ACTIVATE, "accepted"),
        result(VERIFY, "parked"),
        result(VERIFY, "repeated"),
    ) == {
        "PinVerify rejected False": True,
        "PinVerify accepted False": False,
        "PinActivate rejected False": True,
        "PinActivate accepted False": False,
        "PinVerify parked False": True,
        "PinVerify repeated False": True,
    }


async def test_every_reply_to_a_blind_command_leaves_in_its_time_and_of_others_none() -> None:
    assert await left_in_time(result("any", "accepted", blind=True), result("any", "rejected")) == {
        "str accepted True": True,
        "str rejected False": False,
    }
