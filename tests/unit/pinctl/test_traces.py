"""Which entries belong to an id."""

from uuid import UUID

from deploy.pinctl.trace import belonging, delivery_id, facts, said

MINE, THEIRS = UUID(int=1), UUID(int=2)
DELIVERIES = [{"id": MINE, "correlation_id": "mine"}, {"id": THEIRS, "correlation_id": "theirs"}]


def entry(kind: str, data: str, correlation_id: str) -> dict[str, str]:
    return {"kind": kind, "data": data, "correlation_id": correlation_id}


def test_a_delivery_belongs_to_its_own_request_whatever_bundle_it_travelled_in() -> None:
    issued = entry("pin.issued", "{}", "mine")
    in_their_bundle = entry("delivery.sent", f'{{"delivery_id": "{MINE}"}}', "theirs")
    in_my_bundle = entry("delivery.sent", f'{{"delivery_id": "{THEIRS}"}}', "mine")
    entries = [issued, in_their_bundle, in_my_bundle]
    assert belonging(entries, DELIVERIES, {"mine"}) == [issued, in_their_bundle]


def test_a_changed_entry_is_shown_as_it_stands() -> None:
    assert facts("not json") == {"unreadable": "not json"}
    assert facts("[1]") == {"unreadable": "[1]"}
    assert delivery_id({"data": '{"delivery_id": 7}'}) is None


def test_details_are_said_on_one_line() -> None:
    assert said({"level": "online", "deliveries": {"sms": "1"}}) == 'level=online deliveries={"sms":"1"}'
