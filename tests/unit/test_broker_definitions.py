"""The definitions of the broker, read without a broker."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest

from deploy.broker.render import (
    DEFINITIONS,
    from_environment,
    password_hash,
    render,
    users,
    without_passwords,
)
from deploy.errors import PasswordMissingError
from shared.broker.message import LARGEST_BODY

definitions: dict[str, Any] = without_passwords()


def test_the_file_holds_no_password() -> None:
    assert not [user for user in definitions["users"] if user.keys() != {"name", "tags"}]


def test_every_queue_is_a_durable_quorum_queue() -> None:
    assert all(queue["durable"] for queue in definitions["queues"])
    assert {queue["arguments"]["x-queue-type"] for queue in definitions["queues"]} == {"quorum"}


@pytest.mark.parametrize("exchange", ["pin.commands", "pin.events"])
@pytest.mark.parametrize("right", ["write", "read"])
def test_whoever_may_use_a_topic_is_held_to_named_keys(exchange: str, right: str) -> None:
    """Without a topic permission who may write may publish any key, and who may read may bind any."""
    may = {p["user"] for p in definitions["permissions"] if re.search(p[right], exchange)}
    assert may <= {p["user"] for p in definitions["topic_permissions"] if p["exchange"] == exchange}


def test_every_queue_of_an_outside_user_has_a_limit_and_no_lane_has() -> None:
    limits = {p["pattern"] for p in definitions["policies"] if "max-length" in p["definition"]}
    ours = [queue["name"] for queue in definitions["queues"]]
    theirs = ["reply.portal.1", "events.observer.all", "amq.gen-x"]
    assert all(any(re.search(limit, name) for limit in limits) for name in theirs)
    assert not [name for name in ours if any(re.search(limit, name) for limit in limits)]


def test_every_permission_is_anchored_for_the_broker_searches_anywhere_in_a_name() -> None:
    patterns = [p[kind] for p in definitions["permissions"] for kind in ("configure", "write", "read")]
    patterns += [p[kind] for p in definitions["topic_permissions"] for kind in ("write", "read")]
    assert all(pattern.startswith("^") and pattern.endswith("$") for pattern in patterns)


def test_the_broker_takes_as_large_a_message_as_the_workers_send() -> None:
    configuration = DEFINITIONS.with_name("rabbitmq.conf").read_text(encoding="utf-8")
    assert f"\nmax_message_size = {LARGEST_BODY}\n" in configuration


def test_a_rendered_password_is_a_salted_hash() -> None:
    raw = base64.b64decode(password_hash("segreto"))
    assert raw[4:] == hashlib.sha256(raw[:4] + b"segreto").digest()
    rendered = render(definitions, dict.fromkeys(users(), "segreto"))
    assert "segreto" not in json.dumps(rendered)
    assert all(user["password_hash"] for user in rendered["users"])


def test_a_user_without_a_password_stops_the_rendering() -> None:
    with pytest.raises(PasswordMissingError, match="PIN_BROKER_PASSWORD_PORTAL"):
        render(definitions, {})


def test_who_logs_in_by_certificate_has_no_password() -> None:
    passwords = {f"PIN_BROKER_PASSWORD_{name.upper()}": "s3cret" for name in users() if name != "issuer"}
    made = from_environment(passwords | {"PIN_BROKER_BY_CERTIFICATE": "issuer, pinctl"})
    without = {user["name"] for user in made["users"] if user["password_hash"] == ""}
    assert without == {"issuer", "pinctl"}
