"""Istanze that wait for the dispositivo PIN (R31, R32)."""

from shared.contract.events import IstanzaReleased
from shared.domain.account import Account
from shared.domain.decision import Decision, Event, LedgerEntry


def released(account: Account) -> Decision:
    """Release every suspended istanza, each with its event, as the PIN becomes dispositivo (R32)."""
    if not account.suspended:
        return Decision(account=account)
    events = tuple(
        Event(IstanzaReleased(istanza_id=istanza.id, protocol=istanza.protocol))
        for istanza in account.suspended
    )
    return Decision(
        account=account.but(suspended=()),
        entries=tuple(LedgerEntry(event.type, event.data) for event in events),
        events=events,
    )
