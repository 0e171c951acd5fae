"""What supervisors see: the lanes, what no worker could read, the way of a message; nobody's data."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.web.asking import Reply
from deploy.web.console import supervision
from deploy.web.console.settings import ConsoleSettings
from shared.broker.admin import DeadLetter, Depth
from shared.contract.channels import LANES
from shared.contract.supervision import DeliveryTimeline
from shared.errors import BrokerLostError
from tests.unit.web.console.browser import ID, Broker, Browser, accepted, console, rejected

URL = "amqp://supervisor:y@127.0.0.1:1/"


class Admin:
    """Stands at the broker's edge, in the place of `BrokerAdmin`."""

    depths: Mapping[str, Depth | None] = {}
    letters_: tuple[DeadLetter, ...] = ()
    urls: list[str] = []  # noqa: RUF012 - of all tests

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, _: object) -> AsyncIterator["Admin"]:
        """Connect."""
        cls.urls.append(url)
        yield cls()

    async def depth(self, name: str) -> Depth | None:
        """Tell how full a queue is."""
        return self.depths.get(name, Depth(0, 1))

    @asynccontextmanager
    async def dead(self) -> AsyncIterator["Admin"]:
        """Open `pin.dead`."""
        yield self

    async def letters(self) -> AsyncIterator[DeadLetter]:
        """Yield what lies there."""
        for letter in self.letters_:
            yield letter


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    monkeypatch.setattr(supervision, "BrokerAdmin", Admin)
    monkeypatch.setattr(Admin, "urls", [])
    with console(tmp_path, PIN_SUPERVISOR_AMQP_URL=URL) as browser:
        browser.enter("r.capo")
        yield browser


def test_each_lane_is_shown_and_those_that_need_somebody_are_named(
    desk: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    depths = {"revoker.commands": None, "issuer.access": Depth(7, 0), "pin.dead": Depth(3, 0)}
    monkeypatch.setattr(Admin, "depths", depths)
    desk.open("/supervision")
    assert all(lane in desk.text for lane in LANES)
    assert "issuer.access 7 0 Nessun processo la legge" in desk.text
    assert "revoker.commands – 0 La coda manca" in desk.text
    assert "nessuno ha potuto leggere: 3" in desk.text
    assert Admin.urls == ["amqp://operator:x@127.0.0.1:1/"]  # the lanes need no other user's rights


def _letter(**changed: Any) -> DeadLetter:  # noqa: ANN401 - any attribute
    known: dict[str, Any] = {
        "position": 1, "reason": "not_json", "queue": "issuer.requests", "routing_key": "pin.request",
        "type": "pin.request", "message_id": ID, "correlation_id": "RSSMRA85T10A562S", "user_id": "portal",
        "reply_to": "", "traceparent": "", "signature": {}, "body": b'{"surname": "Rossi"}', "length": 20,
        "forged": False, "parked_at": datetime(2026, 11, 26, 13, 30, tzinfo=UTC), "taken": None,
    }  # fmt: skip
    return DeadLetter(**{**known, **changed})


def test_dead_letters_are_listed_with_their_reason_and_nothing_that_a_sender_wrote(
    desk: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = (
        _letter(),
        _letter(position=2, type="Mario Rossi", message_id="RSSMRA85T10A562S", reason="no_type"),
    )
    monkeypatch.setattr(Admin, "letters_", letters)
    desk.open("/supervision/dead")
    assert "1 not_json pin.request issuer.requests portal" in desk.text
    assert "2 no_type sconosciuto issuer.requests portal sconosciuto 26/11/2026, ore 14:30" in desk.text
    assert "Rossi" not in desk.html
    assert "RSSMRA" not in desk.html
    assert Admin.urls == [URL]


def test_more_dead_letters_than_a_page_may_take_are_counted_alone(
    desk: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Admin, "depths", {"pin.dead": Depth(5000, 0)})
    assert "Sono 5000" in desk.open("/supervision/dead").text


def test_a_broker_that_is_away_is_said_so(desk: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> Admin:
        raise BrokerLostError("away")

    monkeypatch.setattr(Admin, "open", lost)
    assert desk.open("/supervision").status == 503
    assert desk.open("/supervision/dead").status == 503


def test_a_console_without_that_user_shows_the_lanes_alone(tmp_path: Path) -> None:
    with console(tmp_path) as browser:
        browser.enter("r.capo")
        assert "PIN_SUPERVISOR_AMQP_URL" in browser.open("/supervision/dead").text
        browser.open("/supervision/timeline").send("/supervision/timeline", {"correlation": ID})
        assert "PIN_SUPERVISOR_AMQP_URL" in browser.text
        assert not browser.broker.asked


def _asking(desk: Browser) -> list[ConsoleSettings]:
    """Let the timeline be asked of the test's broker; return with which settings it was."""
    asked: list[ConsoleSettings] = []

    @asynccontextmanager
    async def asking(settings: ConsoleSettings) -> AsyncIterator[Broker]:
        asked.append(settings)
        yield desk.broker

    desk.app.state.asking = asking
    return asked


def test_the_way_of_a_message_is_asked_by_its_correlation_id_as_the_supervisors_user(desk: Browser) -> None:
    asked = _asking(desk)
    desk.broker.replies["delivery.timeline"] = accepted(
        steps=[
            {"at": "2026-11-22T10:00:00Z", "what": "pin.issued", "by": "portal"},
            {"at": "2026-11-22T10:00:02Z", "what": "delivery.sent", "by": "issuer", "channel": "sms"},
        ]
    )
    desk.open("/supervision/timeline").send("/supervision/timeline", {"correlation": f" {ID} "})
    assert desk.last[1] == {"operator": {"id": "r.capo", "office": "Direzione"}, "correlation": ID}
    DeliveryTimeline.model_validate(desk.last[1])
    assert asked[0].user == "supervisor"
    assert "22/11/2026 11:00:02 delivery.sent issuer sms" in desk.text


@pytest.mark.parametrize(
    ("reply", "status", "told"),
    [
        (rejected("unknown_correlation"), 409, "non risulta nulla"),
        (None, 503, "non ha risposto"),
    ],
)
def test_what_is_not_known_or_not_answered_is_said_so(
    desk: Browser, reply: Reply | None, status: int, told: str
) -> None:
    _asking(desk)
    desk.broker.replies["delivery.timeline"] = reply
    desk.open("/supervision/timeline").send("/supervision/timeline", {"correlation": ID})
    assert (desk.status, told in desk.text) == (status, True)


def test_an_empty_id_is_refused(desk: Browser) -> None:
    assert desk.open("/supervision/timeline").send("/supervision/timeline", {"correlation": ""}).status == 422
