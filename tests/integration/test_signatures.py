"""Who speaks in a portal's name, or in a worker's, is found out by the signature that is missing."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
from nacl.signing import SigningKey

from deploy.local.client import Client
from deploy.local.sealed import sealed
from deploy.local.stack import Stack
from deploy.pinctl import keys
from deploy.pinctl.commands import parser, run
from shared.crypto.keys import SIGNERS, Keys
from shared.crypto.signing import SIGNATURE, SIGNED_AT, SenderKeys, Signed, Signer
from tests.integration.test_example_portal import WORKERS, Program, ended, halves
from tests.kit.clients import portal
from tests.kit.waiting import LIMIT, until

REVOKE = "revoke.confirm"


def sender_key(folder: Path, user: str = "portal") -> tuple[Signer, str]:
    """Make a sender's key as its operator does; return it, and the setting."""
    made = keys.sender(folder, user).data["sender_key"]
    return Signer(Keys(folder).signing(f"{user}-signing")), str(made)


class SignedClient:
    """A portal that signs."""

    def __init__(self, client: Client, signer: Signer) -> None:
        self.client, self.signer = client, signer

    async def publish(self, type_: str, body: Mapping[str, Any]) -> str:
        """Publish a signed command; return its message id."""
        message_id, text = str(uuid4()), json.dumps(body).encode()
        signed = Signed(type_, message_id, message_id, "portal", self.client.reply_to, text)
        headers = self.signer.headers(signed, datetime.now(UTC))
        return await self.client.publish(type_, text, message_id=message_id, headers=headers)


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    async with portal(stack) as client:
        yield client


async def dead(stack: Stack) -> list[dict[str, Any]]:
    answer = await run(parser().parse_args(["dead", "list"]), stack.env)
    return [dict(row) for row in answer.data["dead"]]


def body(stack: Stack) -> dict[str, Any]:
    """Return a command that is answered `link_invalid`, if it is heard at all."""
    return {"codice_fiscale": "RSSMRA85T10A562S", "token_sealed": sealed(stack.state, "revoker", "0" * 40)}


async def test_who_speaks_in_the_portal_s_name_without_its_key_is_not_heard(
    stack: Stack, client: Client, tmp_path: Path
) -> None:
    """The attack: whoever has the portal's password, or runs the broker, is the portal to it."""
    signer, setting = sender_key(tmp_path)
    stack.start_worker("revoker")
    message_id = await client.publish(REVOKE, body(stack))
    # Heard, as there is no key that it could be held to.
    assert (await client.reply(message_id))["code"] == "link_invalid"
    stack.workers["revoker"].stop()

    stack.start_worker("revoker", env={"PIN_SENDER_KEYS": setting})
    unsigned = await client.publish(REVOKE, body(stack))
    forged = await SignedClient(client, Signer(SigningKey.generate())).publish(REVOKE, body(stack))
    honest = await SignedClient(client, signer).publish(REVOKE, body(stack))
    assert (await client.reply(honest))["code"] == "link_invalid"
    await until(lambda: len(client.replies[honest]) == 1)
    reasons = {row["message_id"]: row["reason"] for row in await dead(stack)}
    assert reasons == {unsigned: "not_signed", forged: "bad_signature"}
    assert not client.replies[unsigned]
    assert not client.replies[forged]


async def test_a_signature_holds_for_a_message_that_is_replayed_from_pin_dead(
    stack: Stack, client: Client, tmp_path: Path
) -> None:
    signer, setting = sender_key(tmp_path)
    _, wrong = sender_key(tmp_path / "mistaken")
    stack.start_worker("revoker", env={"PIN_SENDER_KEYS": wrong})
    message_id = await SignedClient(client, signer).publish(REVOKE, body(stack))

    async def parked() -> bool:
        return [row["reason"] for row in await dead(stack)] == ["bad_signature"]

    await until(parked)
    stack.workers["revoker"].stop()
    stack.start_worker("revoker", env={"PIN_SENDER_KEYS": setting, "PIN_REQUIRE_SIGNED_COMMANDS": "true"})
    await run(parser().parse_args(["dead", "replay", "--all", "--by", "Ada Neri"]), stack.env)
    assert (await client.reply(message_id))["code"] == "link_invalid"
    assert await dead(stack) == []


async def test_a_newcomer_s_portal_signs_and_takes_signed_replies_alone(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R10, R11, with every message of portal and issuer signed; and every event by its worker's key."""
    _, setting = sender_key(tmp_path)
    monkeypatch.setitem(stack.settings, "PIN_SIGN_MESSAGES", "true")
    monkeypatch.setitem(stack.settings, "PIN_SENDER_KEYS", setting)
    stack.start_workers(WORKERS)
    async with await aio_pika.connect(stack.rabbitmq.url("admin")) as connection:
        channel = await connection.channel()
        events = await channel.declare_queue("", exclusive=True)
        await events.bind("pin.events", "#")
        example = Program(stack, tmp_path, {"PORTAL_SIGNING_KEY": str(tmp_path / "portal-signing.key")})
        program = await example.start()
        assert program.stdout
        assert b"requested" in await program.stdout.readline()
        status, said = await ended(program, "".join(f"{half}\n" for half in await halves(stack)))
        assert status == 0, said
        assert re.search(r"the PIN is now .{8}\nlogged in: online\n$", said)
        heard = []
        while (event := await events.get(fail=False, timeout=LIMIT)) is not None:
            heard.append(event)
    assert {"pin.issued", "pin.activated", "delivery.sent"} <= {event.type for event in heard}
    assert all(by_its_worker(stack, event) for event in heard)
    # The same portal on workers that do not sign gets no reply that it takes.
    stack.stop_workers()
    monkeypatch.setitem(stack.settings, "PIN_SIGN_MESSAGES", "false")
    stack.start_worker("issuer-access")
    program = await example.start("7K3M9PQX", "4V8TN2WZ")
    assert program.stdout
    assert b"has not signed" in await program.stdout.readline()
    program.kill()
    await program.wait()


def by_its_worker(stack: Stack, event: aio_pika.abc.AbstractIncomingMessage) -> bool:
    """Return whether an event bears the signature of the worker whose user published it."""
    user = event.user_id or ""
    assert user in SIGNERS
    public = (stack.state / f"keys/{user}-signing.pub").read_text().strip()
    texts = (event.type or "", event.message_id or "", event.correlation_id or "", user, "")
    headers = {name: str(text) for name, text in event.headers.items()}
    return SenderKeys.read(f"{user}:{public}").verify(
        Signed(*texts, event.body), headers[SIGNATURE], headers[SIGNED_AT]
    )
