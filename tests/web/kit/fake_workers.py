"""What stands where the broker is: it reads each command by the contract, and answers as workers would.

It is the far edge of the pages, and no part of them: what a worker would reject is rejected, what would lie
in `pin.dead` fails the test.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

from nacl.public import PublicKey, SealedBox

from deploy.web.asking import Reply
from deploy.web.errors import NotTakenError
from shared.contract.command import Command
from shared.contract.examples import REPLY_EXAMPLES
from shared.contract.message import read
from shared.contract.reply import accepted, rejected
from shared.errors import InvalidMessageError

SHORT_PIN = "7K2M9QXT"
"""The eight characters that first access brings."""
NEVER = "never"
"""In place of a reply: none comes in time."""
NOT_TAKEN = "not taken"
"""In place of a reply: the broker does not confirm."""
Answer = str | Mapping[str, Any] | Callable[[Mapping[str, Any]], Any]
"""`NEVER`, `NOT_TAKEN`, the code of a refusal, the `data` of an acceptance, or what makes one of them."""


@dataclass(frozen=True)
class Asked:
    """One publish."""

    type: str
    body: Mapping[str, Any]
    message_id: str


_FORM = b"%PDF-1.7\n%%EOF\n"


def form_of(document: bytes) -> dict[str, str]:
    """Return a form as `dispositivo.request` brings it."""
    return {
        "media_type": "application/pdf",
        "sha256": hashlib.sha256(document).hexdigest(),
        "content": base64.b64encode(document).decode(),
    }


def _activated(body: Mapping[str, Any]) -> dict[str, Any]:
    box = SealedBox(PublicKey(base64.b64decode(body["reply_key"])))
    return {"level": "online", "pin_sealed": base64.b64encode(box.encrypt(SHORT_PIN.encode())).decode()}


class FakeWorkers:
    """Takes the place of `Commands`.

    Args:
        user: the broker's user of the application: `portal` or `operator`.

    Attributes:
        asked: every publish, in order.
        answers: by type, what is answered instead of `accepted` with the contract's example.
        dead: what a worker would not read, or takes from nobody like this sender.
    """

    def __init__(self, user: str) -> None:
        self.user = user
        self.ready = True
        self.asked: list[Asked] = []
        self.answers: dict[str, Answer] = {}
        self.dead: list[str] = []
        self._known: dict[str, str] = {}

    @property
    def effects(self) -> list[Asked]:
        """The commands that had an effect: each `message_id` once."""
        return list({one.message_id: one for one in self.asked}.values())

    def heard_as(self, user: str) -> "FakeWorkers":
        """Return the same workers, as another user of the broker finds them."""
        others = copy(self)
        others.user = user
        return others

    def forget(self) -> None:
        """Begin anew."""
        self.asked.clear()
        self.answers.clear()
        self._known.clear()

    async def ask(
        self, type_: str, body: Mapping[str, Any], message_id: str, *, within: float
    ) -> Reply | None:
        """Answer a command as the worker of its lane would."""
        await asyncio.sleep(0)
        assert within > 0
        self.asked.append(Asked(type_, deepcopy(dict(body)), message_id))
        answer = self.answers.get(type_, {})
        if answer == NOT_TAKEN:
            raise NotTakenError
        reply = self._reply(type_, body, message_id, answer)
        if isinstance(reply, Awaitable):
            reply = await reply
        return None if answer == NEVER else reply

    def _reply(self, type_: str, body: Mapping[str, Any], message_id: str, answer: Answer) -> Any:  # noqa: ANN401
        text = json.dumps(body, sort_keys=True)
        if self._known.setdefault(message_id, text) != text:
            return json.loads(rejected("message_id_reused").body())
        try:
            command = read(type_, text.encode())
        except InvalidMessageError as fault:
            return json.loads(rejected("invalid", faults=fault.faults).body())
        self._hold_rights(command)
        if callable(answer):
            answer = answer(body)
        if isinstance(answer, str) and answer != NEVER:
            more: dict[str, Any] = {"retry_after": 900} if answer == "locked" else {}
            return json.loads(rejected(answer, **more).body())
        data = answer if isinstance(answer, Mapping) and answer else self._example(type_, body)
        return json.loads(accepted(**data).body())

    def _hold_rights(self, command: Command) -> None:
        if fault := command.forbidden_for(self.user):
            self.dead.append(f"{command.type}: {fault.detail}")
            raise AssertionError(self.dead[-1])

    @staticmethod
    def _example(type_: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        match type_:
            case "pin.activate":
                return _activated(body)
            case "dispositivo.request":
                return {**REPLY_EXAMPLES[type_], "form": form_of(_FORM)}
            case _:
                return deepcopy(dict(REPLY_EXAMPLES.get(type_, {})))


def strings_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from strings_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings_in(part)
