"""A portal, small enough to read at one go: it asks for a PIN, goes through first access and logs in.

It needs aio-pika and PyNaCl and nothing of this project: all it knows is the contract. After `make up`:

    export $(grep -E '^PIN_(PORTAL_AMQP_URL|KEYS_DIR)=' .local/env)
    .venv/bin/python docs/examples/portal.py

It asks for a PIN and waits for you to type the two halves as the citizen got them: the first is in the last
line of `.local/captured/sms.jsonl`, the second in the letter, `.local/spool/post/*.pdf`. Who has both halves
already gives them as arguments, and nothing is asked for. It exits with 1 when a command is rejected.

Where messages are signed (PIN_SIGN_MESSAGES, PIN_SENDER_KEYS), PORTAL_SIGNING_KEY names the key file made by
`pinctl keys sender portal`: it signs its commands then, and takes no reply that the issuer has not signed.
"""

import asyncio
import base64
import json
import os
import secrets
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractMessage
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey, VerifyKey

CITIZEN = "RSSMRA85T10A562S"
REQUEST = {  # what the citizen confirmed on the page; a live portal shows it and asks first
    "codice_fiscale": CITIZEN,
    "surname": "Rossi",
    "name": "Mario",
    "birth_date": "1985-12-10",
    "sex": "M",
    "birth_province": "PI",
    "birth_place": "San Giuliano Terme",
    "residence": {
        "country": "IT",
        "street": "Via Giuseppe Mazzini",
        "number": "12/A",
        "municipality": "San Giuliano Terme",
        "province": "PI",
        "postal_code": "56017",
    },
    "contacts": {"mobile": "+393331234567", "email": "mario.rossi@example.com"},
    "preferred_phone": "mobile",
    "preferred_time": "any",
}


class Portal:
    """Publishes commands, and finds the reply to each by its correlation id."""

    def __init__(self, channel: AbstractChannel, user: str) -> None:
        self.channel, self.user = channel, user
        self.waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def listen(self) -> None:
        # A queue that the broker names and that dies with the connection: nobody else may read it.
        self.replies = await self.channel.declare_queue("", exclusive=True)
        await self.replies.consume(self.take, no_ack=True)
        # Who can publish to that queue, such as whoever runs the broker, can still not sign for the issuer.
        self.key = signing_key()
        # Only the system's own users may declare its exchanges: take it as given.
        self.commands = await self.channel.get_exchange("pin.commands", ensure=False)

    async def take(self, message: AbstractIncomingMessage) -> None:
        waiting = self.waiting.get(message.correlation_id or "")
        if self.key and not signed_by_issuer(message, self.replies.name):
            print("a reply that the issuer has not signed: passed over")
        elif waiting and not waiting.done():  # a reply may come twice
            waiting.set_result(json.loads(message.body))

    async def ask(self, type_: str, body: dict[str, Any], pin: str = "") -> dict[str, Any]:
        """Publish a command, with a PIN or without, and return its reply; ask again if none comes."""
        message_id = new_message_id()
        if pin:
            body = {**body, "pin_sealed": sealed(pin, body, message_id)}
        message = aio_pika.Message(
            json.dumps(body).encode(),
            type=type_,  # equal to the routing key
            message_id=message_id,  # the same id with the same body has one effect, however often it is sent
            user_id=self.user,  # the broker refuses any other
            correlation_id=message_id,  # comes back on the reply, on every event and in the logs
            reply_to=self.replies.name,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers={"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"},
        )
        if self.key:
            sign(message, self.key)
        for _ in range(3):
            self.waiting[message_id] = asyncio.get_running_loop().create_future()
            # Returns once the broker has it on disk; raises if no queue takes it.
            await self.commands.publish(message, routing_key=type_, mandatory=True, timeout=30)
            try:
                return await asyncio.wait_for(self.waiting[message_id], timeout=30)
            except TimeoutError:
                print(f"{type_}: no reply yet, asking again under the same id")
        raise TimeoutError(type_)


def new_message_id() -> str:
    """Return a UUID of version 7 (RFC 9562), which begins with the time; the contract takes any."""
    drawn = bytearray(int(time.time() * 1000).to_bytes(6) + secrets.token_bytes(10))
    drawn[6] = 0x70 | drawn[6] & 0x0F
    drawn[8] = 0x80 | drawn[8] & 0x3F
    return str(UUID(bytes=bytes(drawn)))


def signing_key() -> SigningKey | None:
    path = os.environ.get("PORTAL_SIGNING_KEY")
    return SigningKey(base64.b64decode(Path(path).read_text())) if path else None


def covered(message: AbstractMessage, addressee: str, signed_at: str) -> bytes:
    """Return what is signed. A command is addressed to its `reply_to`, a reply to the queue it is in."""
    names = (message.type, message.message_id, message.correlation_id, message.user_id)
    parts = [*((text or "").encode() for text in (*names, addressee, signed_at)), message.body]
    return b"pin-online signature v1\n" + b"".join(len(part).to_bytes(4) + part for part in parts)


def sign(message: aio_pika.Message, key: SigningKey) -> None:
    """Sign a command: nobody else can say it in the portal's name, or have the reply sent elsewhere."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    signature = key.sign(covered(message, message.reply_to or "", at)).signature
    message.headers |= {"x-signature": base64.b64encode(signature).decode(), "x-signed-at": at}


def signed_by_issuer(message: AbstractIncomingMessage, queue: str) -> bool:
    """Tell whether a reply is the issuer's word, to this queue and of this moment, not changed since."""
    signature, at = (str(message.headers.get(name, "")) for name in ("x-signature", "x-signed-at"))
    try:
        signed = covered(message, queue, at), base64.b64decode(signature)
        if not any(verifies(VerifyKey(key), *signed) for key in keys("issuer-signing.pub")):
            return False
        return datetime.now(UTC) - datetime.fromisoformat(at) < timedelta(minutes=10)
    except ValueError:
        return False


def verifies(key: VerifyKey, signed: bytes, signature: bytes) -> bool:
    try:
        key.verify(signed, signature)
    except CryptoError:
        return False
    return True


def keys(name: str) -> list[bytes]:
    """Read a public key of the system, one a line: it must have come by another way than the broker.

    The first is the current key. While a key that signs is being changed, others follow that are good, too.
    """
    lines = (Path(os.environ["PIN_KEYS_DIR"]) / name).read_text().splitlines()
    return [base64.b64decode(line.split()[0]) for line in lines]


def sealed(pin: str, body: dict[str, Any], message_id: str) -> str:
    """Seal a PIN so that the issuer alone can read it, in this one message.

    Whoever runs the queue cannot read it, use it in a message of their own, or have the reply sealed to a key
    of theirs: what is sealed says what it belongs to.
    """
    text = json.dumps({"v": 2, "pin": pin, **body, "message_id": message_id})
    return base64.b64encode(SealedBox(PublicKey(keys("issuer.pub")[0])).encrypt(text.encode())).decode()


async def visit(portal: Portal, halves: list[str]) -> dict[str, Any]:
    """Do what one citizen does; return the last reply."""
    if not halves:
        # Blind: `accepted` says that the request is well formed, and not whether a PIN was issued.
        reply = await portal.ask("pin.request", REQUEST)
        if reply["outcome"] == "rejected":
            return reply
        print("requested; the halves are on their way", flush=True)
        # In a thread of its own: a loop that stands still sends no heartbeats, and the broker hangs up.
        halves = [await asyncio.to_thread(input, f"{name} half: ") for name in ("first", "second")]
    ours = PrivateKey.generate()  # for this one reply: no other process can open it, now or later
    reply_key = base64.b64encode(bytes(ours.public_key)).decode()
    activate = {"codice_fiscale": CITIZEN, "reply_key": reply_key}
    reply = await portal.ask("pin.activate", activate, pin="".join(halves))
    if reply["outcome"] == "rejected":
        return reply
    pin = SealedBox(ours).decrypt(base64.b64decode(reply["data"]["pin_sealed"])).decode()
    print(f"first access: the PIN is now {pin}")  # shown to the citizen once, and kept nowhere
    reply = await portal.ask("pin.verify", {"codice_fiscale": CITIZEN}, pin=pin)
    if reply["outcome"] == "accepted":
        print(f"logged in: {reply['data']['level']}")
    return reply


async def connected(url: str) -> AbstractConnection:
    """Connect to the first node that answers: of a cluster the URL names all, with commas between."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    *others, last = [parts._replace(netloc=f"{login}@{host}").geturl() for host in hosts.split(",")]
    for node in others:
        with suppress(OSError, TimeoutError):
            return await aio_pika.connect(node, timeout=5)
    return await aio_pika.connect(last, timeout=5)


async def main() -> int:
    url = os.environ["PIN_PORTAL_AMQP_URL"]
    async with await connected(url) as connection:
        portal = Portal(
            await connection.channel(on_return_raises=True), unquote(urlsplit(url).username or "")
        )
        await portal.listen()
        reply = await visit(portal, sys.argv[1:])
    if reply["outcome"] == "rejected":
        print(
            f"rejected: {reply['code']}",
            *(f"{e['field']}: {e['detail']}" for e in reply["errors"]),
            sep="\n  ",
        )
    return int(reply["outcome"] == "rejected")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
