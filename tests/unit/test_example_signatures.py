"""What the example portal makes of signatures: it and the workers mean the same bytes."""

import base64
import importlib.util
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from aio_pika import Message
from nacl.signing import SigningKey

from deploy.local.processes import CHECKOUT
from shared.crypto.keys import Keys, make_keys
from shared.crypto.signing import SIGNATURE, SIGNED_AT, SenderKeys, Signed, Signer

QUEUE = "amq.gen-portal"
BODY = json.dumps({"outcome": "accepted"}).encode()


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the example as a module, with the system's keys where it looks for them."""
    make_keys(tmp_path)
    monkeypatch.setenv("PIN_KEYS_DIR", str(tmp_path))
    spec = importlib.util.spec_from_file_location("portal", CHECKOUT / "docs/examples/portal.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reply(
    by: Signer,
    age: timedelta = timedelta(0),
    *,
    queue: str = QUEUE,
    **changes: Any,  # noqa: ANN401 - any of its fields
) -> Any:  # noqa: ANN401 - what the example reads of a message
    """Return a reply as the portal gets it, signed by a worker and then changed."""
    names = {"type": "reply", "message_id": "1", "correlation_id": "2", "user_id": "issuer"}
    signed = Signed(**names, addressee=queue, body=BODY)
    return SimpleNamespace(
        **{**names, "body": BODY, "headers": by.headers(signed, datetime.now(UTC) - age), **changes}
    )


def test_the_portal_takes_a_reply_of_the_issuer_and_no_forged_one(portal: ModuleType, tmp_path: Path) -> None:
    issuer = Signer(Keys(tmp_path).signing("issuer-signing"))
    assert portal.signed_by_issuer(reply(issuer), QUEUE)
    forged = [
        reply(issuer, body=BODY.replace(b"accepted", b"rejected")),
        reply(issuer, correlation_id="3"),
        reply(issuer, user_id="revoker"),
        reply(issuer, queue="amq.gen-another"),
        reply(issuer, timedelta(hours=1)),
        reply(issuer, headers={}),
        reply(issuer, headers={"x-signature": "?", "x-signed-at": "?"}),
        reply(Signer(Keys(tmp_path).signing("revoker-signing"))),
        reply(Signer(SigningKey.generate())),
    ]
    assert not any(portal.signed_by_issuer(one, QUEUE) for one in forged)


def test_the_workers_take_what_the_portal_signs(portal: ModuleType) -> None:
    key = SigningKey.generate()
    message = Message(
        BODY, type="pin.verify", message_id="1", correlation_id="1", user_id="portal", reply_to=QUEUE
    )
    portal.sign(message, key)
    known = SenderKeys.read(f"portal:{base64.b64encode(bytes(key.verify_key)).decode()}")
    signed = Signed("pin.verify", "1", "1", "portal", QUEUE, BODY)
    headers = {name: str(text) for name, text in message.headers.items()}
    assert known.verify(signed, headers[SIGNATURE], headers[SIGNED_AT])
