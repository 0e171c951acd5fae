"""What can be read, and from whom: everything else goes to `pin.dead` with its reason."""

import hashlib
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from services.issuer.__main__ import REQUESTS
from shared.broker.message import Arrived, Cut
from shared.contract.examples import COMMAND_EXAMPLES
from shared.crypto.sealing import Pseudonyms
from shared.crypto.secret import Secret
from shared.domain.decision import NOBODY
from shared.worker.command_reader import CommandReader
from shared.worker.holding import LARGE, unpacked
from shared.worker.intake import correlation_id, parse
from shared.worker.lane import Lane
from shared.worker.reading import Parsed, ReceivedMessage, Refusal, Rejected
from shared.worker.settings import WorkerSettings

PSEUDONYMS = Pseudonyms(bytes(32))
SETTINGS = WorkerSettings(
    amqp_url=Secret(""),
    ledger_dsn=Secret(""),
    keys_dir=Path(),
    portal_users=frozenset({"portal", "patronato"}),
)
READER = CommandReader(REQUESTS, PSEUDONYMS)
LANE = Lane("issuer", "issuer-requests", "issuer.requests", READER, 200, REQUESTS)
GOOD = Arrived(
    tag=1,
    body=orjson.dumps(COMMAND_EXAMPLES["pin.request"]),
    type="pin.request",
    message_id="5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e",
    user_id="portal",
    correlation_id="",
    reply_to="",
    traceparent="",
    exchange="pin.commands",
    routing_key="pin.request",
    redelivered=False,
    deliveries=0,
    enqueued_at=None,
    arrived_at=0.0,
)
RECOGNISED = orjson.dumps(
    {
        **COMMAND_EXAMPLES["pin.request"],
        "recognition": {
            "kind": "de_visu",
            "operator": {"id": "op-1", "office": "Pisa"},
            "document": {
                "kind": "passport",
                "number": "YA0000000",
                "issued_by": "Questura di Pisa",
                "issued_on": "2020-01-01",
                "expires_on": "2030-01-01",
            },
        },
    }
)
EXPIRE = orjson.dumps({"subject": "00" * 16, "pin_id": GOOD.message_id})


def taken(**changes: object) -> ReceivedMessage | Rejected:
    return parse(replace(GOOD, **changes), LANE, SETTINGS)  # type: ignore[arg-type]


def test_a_good_command_is_taken_for_the_citizen_that_it_is_about() -> None:
    message = taken()
    assert isinstance(message, ReceivedMessage)
    assert message.subjects == (PSEUDONYMS.of(COMMAND_EXAMPLES["pin.request"]["codice_fiscale"]),)
    assert message.blind
    assert message.actor == "portal"


def test_an_invalid_request_does_not_tell_the_pseudonym_of_whom_it_names() -> None:
    """Else one faulty request with a codice fiscale would return the pseudonym that every event has of it."""
    body = orjson.dumps({"codice_fiscale": COMMAND_EXAMPLES["pin.request"]["codice_fiscale"]})
    refused = taken(body=body)
    assert isinstance(refused, ReceivedMessage)
    assert isinstance(refused.message, Refusal)
    (event,) = refused.message.events
    assert (event.type, event.data, event.subject) == ("pin.request_rejected", {"code": "invalid"}, NOBODY)
    assert refused.subjects == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": ""}, "no_type"),
        ({"type": "", "unreadable": frozenset({"message_type"})}, "type_unreadable"),
        ({"message_id": "", "unreadable": frozenset({"message_id"})}, "message_id_unreadable"),
        ({"user_id": "", "unreadable": frozenset({"user_id"})}, "user_id_unreadable"),
        ({"type": "pin.verify"}, "type_is_not_routing_key"),
        ({"routing_key": "issuer.requests"}, "type_is_not_routing_key"),
        ({"exchange": "", "routing_key": "pin.request"}, "type_is_not_routing_key"),
        ({"exchange": "reply.portal.x"}, "forbidden_exchange"),
        ({"exchange": "pin.events"}, "forbidden_exchange"),
        ({"exchange": "pin.receipts"}, "forbidden_exchange"),
        ({"exchange": "pin.notifications", "routing_key": "requests"}, "forbidden_exchange"),
        ({"type": "pin.verify", "routing_key": "pin.verify"}, "unknown_type"),
        ({"type": "pin.nonsense", "routing_key": "pin.nonsense"}, "unknown_type"),
        ({"message_id": ""}, "no_message_id"),
        ({"message_id": "17"}, "message_id_is_no_uuid"),
        ({"user_id": ""}, "no_user_id"),
        ({"user_id": "somebody"}, "unknown_sender"),
        ({"user_id": "gateway"}, "forbidden_sender"),
        ({"user_id": "operator"}, "forbidden_sender"),
        ({"body": RECOGNISED}, "forbidden_sender"),
        (
            {"body": EXPIRE, "type": "internal.issuer.expire", "routing_key": "internal.issuer.expire"},
            "forbidden_sender",
        ),
        (
            {
                "body": EXPIRE,
                "type": "internal.issuer.expire",
                "routing_key": "internal.issuer.expire",
                "user_id": "notifier",
            },
            "forbidden_sender",
        ),
        ({"user_id": "issuer"}, "forbidden_sender"),
        ({"body": b"no json"}, "not_json"),
        ({"body": b"[]"}, "not_an_object"),
        ({"body": b"\xff{}"}, "not_utf8"),
        ({"body": b"{" + b" " * 262_144 + b"}"}, "too_large"),
        ({"body": b"[" * 100_000}, "not_json"),
    ],
)
def test_what_cannot_be_read_goes_to_pin_dead_with_the_reason(
    changes: dict[str, object], reason: str
) -> None:
    message = taken(**changes)
    assert isinstance(message, Rejected)
    assert message.reason in {reason, "too_deep"}


def test_an_operator_may_vouch_for_a_citizen() -> None:
    """R8."""
    assert isinstance(taken(user_id="operator", body=RECOGNISED), ReceivedMessage)


def test_a_deployment_may_have_several_portals() -> None:
    assert isinstance(taken(user_id="patronato"), ReceivedMessage)


def test_what_is_replayed_comes_by_the_default_exchange() -> None:
    assert isinstance(taken(exchange="", routing_key="issuer.requests"), ReceivedMessage)


def test_a_worker_s_own_messages_come_from_workers() -> None:
    message = taken(
        user_id="issuer", body=EXPIRE, type="internal.issuer.expire", routing_key="internal.issuer.expire"
    )
    assert isinstance(message, ReceivedMessage)
    assert message.subjects == (bytes(16),)


def test_what_breaks_a_rule_gets_one_reply_that_names_every_field() -> None:
    body = orjson.dumps({**COMMAND_EXAMPLES["pin.request"], "sex": "X", "surname": 7, "unknown": 1})
    message = taken(body=body)
    assert isinstance(message, ReceivedMessage)
    assert message.refusal is not None
    assert {fault.field for fault in message.refusal.errors} == {"sex", "surname", "unknown"}


def test_a_property_that_is_not_needed_may_be_unreadable() -> None:
    assert isinstance(taken(unreadable=frozenset({"timestamp", "app_id", "headers"})), ReceivedMessage)


def test_a_large_message_that_can_be_handled_is_packed_and_comes_out_whole() -> None:
    body = GOOD.body[:-1] + b" " * 200_000 + b"}"
    message = taken(body=body)
    assert isinstance(message, ReceivedMessage)
    assert len(message.arrived.body) < LARGE
    assert unpacked(message.arrived) == body
    assert message.digest == taken(body=body).digest  # type: ignore[union-attr]
    assert message.digest != taken().digest  # type: ignore[union-attr]


@pytest.mark.parametrize("changes", [{"body": b"x" * 10**6}, {"body": b"x" * 10**6, "type": ""}])
def test_a_large_message_that_nobody_can_read_is_cut(changes: dict[str, object]) -> None:
    message = taken(**changes)
    assert isinstance(message, Rejected)
    assert message.arrived.body == b"x" * LARGE
    assert message.arrived.cut == Cut(10**6, hashlib.sha256(b"x" * 10**6).hexdigest())


def test_a_large_message_that_breaks_rules_is_answered_and_cut() -> None:
    message = taken(body=orjson.dumps({**COMMAND_EXAMPLES["pin.request"], "surname": "x" * 200_000}))
    assert isinstance(message, ReceivedMessage)
    assert message.refusal is not None
    assert len(message.arrived.body) == LARGE


def test_what_a_worker_wrote_is_never_cut() -> None:
    """Another release may read what this one cannot."""
    body = b"x" * 500_000
    message = taken(user_id="issuer", type="internal.new", routing_key="internal.new", body=body)
    assert isinstance(message, Rejected)
    assert message.arrived.body == body


def test_a_reader_that_raises_parks_the_message() -> None:
    def read(type_: str, body: bytes, role: str) -> Parsed:
        raise RuntimeError(type_, body, role)

    message = parse(GOOD, replace(LANE, read=read), SETTINGS)
    assert isinstance(message, Rejected)
    assert message.reason.startswith("RuntimeError: ")


@pytest.mark.parametrize(
    ("given", "kept"), [("order-7", "order-7"), ("", None), ("a\nb", None), ("x" * 256, None)]
)
def test_a_correlation_id_that_cannot_be_kept_is_replaced_by_the_message_id(
    given: str, kept: str | None
) -> None:
    assert correlation_id(replace(GOOD, correlation_id=given)) == (kept or GOOD.message_id)


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ("portal", "portal"),
        ("operator", "operator"),
        ("phones", "contact_centre"),
        ("pisa", "branch"),
        ("both", "operator"),
        ("registry", "registry"),
        ("gateway", "gateway"),
        ("issuer", "issuer"),
        ("somebody", None),
    ],
)
def test_a_user_has_the_role_that_the_settings_give_it(user: str, role: str | None) -> None:
    """R25, R26: contact centre and branch are apart; who is of both, or an operator, has both."""
    settings = SETTINGS.model_copy(
        update={
            "contact_centre_users": frozenset({"phones", "both", "portal"}),
            "branch_users": frozenset({"pisa", "both", "portal"}),
        }
    )
    assert settings.role_of(user) == role


def test_a_deployment_that_names_its_operators_as_ever_has_them_with_both_roles() -> None:
    here = {"PIN_AMQP_URL": "amqp://127.0.0.1", "PIN_LEDGER_DSN": "postgresql://127.0.0.1"}
    named = {**here, "PIN_KEYS_DIR": ".", "PIN_OPERATOR_USERS": "console"}
    settings = WorkerSettings.load(named)
    assert [settings.role_of(user) for user in ("console", "operator")] == ["operator", None]
    apart = WorkerSettings.load({**named, "PIN_OPERATOR_USERS": "", "PIN_BRANCH_USERS": "pisa"})
    assert [apart.role_of(user) for user in ("console", "operator", "pisa")] == [None, None, "branch"]


@pytest.mark.parametrize(
    ("user", "kept"), [("pisa", True), ("phones", False), ("portal", False), ("operator", True)]
)
def test_the_contact_centre_recognises_nobody_in_person(user: str, *, kept: bool) -> None:
    """R8."""
    settings = SETTINGS.model_copy(
        update={"contact_centre_users": frozenset({"phones"}), "branch_users": frozenset({"pisa"})}
    )
    message = parse(replace(GOOD, user_id=user, body=RECOGNISED), LANE, settings)
    assert isinstance(message, ReceivedMessage) == kept
    if isinstance(message, ReceivedMessage):
        assert message.operator == ("op-1", "Pisa")
