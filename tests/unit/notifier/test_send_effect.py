"""The effect of a channel's lane: what it asks the ledger before it sends again."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from services.notifier.bundle import Bundle, Sealed
from services.notifier.outcome import Outcome, Postponed, Sent
from services.notifier.outgoing import Held, Outgoing
from services.notifier.sending import SendEffect
from shared.contract.delivery import Sms, to_bytes
from shared.crypto.sealing import BundleOpener
from shared.crypto.secret import Secret
from shared.ledger import Ledger
from shared.worker.reading import ReceivedMessage

SILENT = Postponed("sms_timeout")


class Provider:
    upkeep = None

    def __init__(self) -> None:
        self.asked: list[UUID] = []

    async def send(self, outgoing: list[Outgoing], /) -> list[Outcome]:
        """Take it, and never say so."""
        self.asked += [one.id for one in outgoing]
        return [SILENT] * len(outgoing)

    async def close(self) -> None:
        """Nothing is held."""


class Opener:
    def open(self, _key: str, _key_id: str) -> Callable[[str, bytes], bytes]:
        """Open any."""
        return lambda _seal, _bound: to_bytes(Sms("+393330000001", Secret("PIN: ABCD2345")))


class Recorded(Ledger):
    """How deliveries stand."""

    def __init__(self, status: str, reported: str = "") -> None:
        self.status, self.reported, self.asked = status, reported, list[list[UUID]]()

    async def rows(self, query: str, *values: Any) -> Sequence[Any]:  # noqa: ANN401 - what Postgres takes
        """Return each as it stands."""
        assert query == "read_deliveries"
        self.asked.append(values[0])
        return [{"id": one, "status": self.status, "reported": self.reported} for one in values[0]]


def sealed(attempt: int, held: Held | None = None) -> Sealed:
    return Sealed(uuid4(), bytes(16), "request-1", attempt, "2026-03-01T10:00:00+00:00", "", held)


async def results(deliveries: Sequence[Sealed], provider: Provider, ledger: Ledger) -> list[Outcome]:
    received = SimpleNamespace(
        handled=False,
        message=Bundle("", tuple(deliveries)),
        arrived=SimpleNamespace(redelivered=False),
        effect=None,
        span=None,
    )
    effect = SendEffect(provider, cast("BundleOpener", Opener()))
    await effect([cast("ReceivedMessage", received)], ledger)
    return cast("list[Outcome]", received.effect)


@pytest.mark.parametrize("again", [{"attempt": 8}, {"attempt": 1, "held": Held("a", datetime.now(UTC))}])
@pytest.mark.parametrize(
    "stands", [("delivered",), ("postponed", "accepted/pec_accettazione delayed/pec_preavviso_12h")]
)
async def test_what_a_receipt_says_was_taken_is_not_sent_again_and_cannot_fail(
    again: dict[str, Any], stands: tuple[str, ...]
) -> None:
    """A provider that takes it and is too slow to say so would have it eight times, and then it failed."""
    provider, ledger = Provider(), Recorded(*stands)
    first, retry = sealed(1), sealed(**again)
    assert await results([retry, first], provider, ledger) == [Sent(""), SILENT]
    assert provider.asked == [first.id]
    assert ledger.asked == [[retry.id]]


@pytest.mark.parametrize("status", ["postponed", "sent", "failed", "returned"])
async def test_whatever_else_stands_of_it_it_is_sent_again(status: str) -> None:
    provider, retry = Provider(), sealed(2)
    assert await results([retry], provider, Recorded(status, "delayed/dsn_4.4.1")) == [SILENT]
    assert provider.asked == [retry.id]


async def test_a_first_try_asks_nobody() -> None:
    ledger = Recorded("delivered")
    assert await results([sealed(1), sealed(1)], Provider(), ledger) == [SILENT, SILENT]
    assert not ledger.asked
