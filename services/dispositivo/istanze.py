"""Istanze: each is protocolled; one sent with a PIN that is not dispositivo is suspended (R30, R31)."""

from services.dispositivo.texts import NOTICES, TEXTS
from shared.contract.dispositivo import IstanzaSubmit
from shared.contract.events import IstanzaProtocolled
from shared.contract.reply import Reply, accepted, rejected
from shared.domain.account import Account, Istanza
from shared.domain.decision import ContextWith, Decision, DecisionContext, Event, LedgerEntry

_YEAR = 10**10
_REMEMBERED = 20
"""The latest istanze of a citizen, kept to detect duplicates."""


def submit(account: Account, command: IstanzaSubmit, at: ContextWith[int]) -> Decision:
    """Protocol an istanza: in progress with a dispositivo PIN, else suspended, and the citizen is notified.

    A duplicate under another `message_id` gets the protocol that it has already.
    """
    if account.status != "active":
        return Decision(reply=rejected("no_active_pin"))
    if known := _sent_before(account, command):
        return Decision(reply=_answer(account, known, suspended=known in account.suspended))
    istanza = Istanza(
        id=command.istanza_id, protocol=protocol(at.known), service=command.service, submitted_at=at.now
    )
    return _protocolled(account, istanza, at)


def protocol(number: int | None) -> str:
    """Return a number of the sequence in the form `YYYY.NNNNNNNNNN`.

    Args:
        number: as `draw_protocols` of the ledger gives it: the year, followed by ten digits.
    """
    if number is None:
        raise ValueError("the lane draws a number for every istanza")
    return f"{number // _YEAR:04}.{number % _YEAR:010}"


def _sent_before(account: Account, command: IstanzaSubmit) -> Istanza | None:
    # Two portals may choose the same id: the istanza is the same only if it applies for the same.
    known = (*account.istanze, *account.suspended)
    return next((i for i in known if (i.id, i.service) == (command.istanza_id, command.service)), None)


def _protocolled(account: Account, istanza: Istanza, ctx: DecisionContext) -> Decision:
    suspended = account.level != "dispositivo"
    remembered = account.but(istanze=(*account.istanze, istanza)[-_REMEMBERED:])
    fact = IstanzaProtocolled(
        istanza_id=istanza.id,
        protocol=istanza.protocol,
        status="suspended" if suspended else "in_progress",
    )
    event = Event(fact)
    protocolled = Decision(
        reply=_answer(account, istanza, suspended=suspended),
        account=remembered,
        entries=(LedgerEntry("istanza.protocolled", event.data),),
        events=(event,),
    )
    if not suspended:
        return protocolled
    return protocolled.but(
        account=remembered.but(suspended=(*account.suspended, istanza)),
        deliveries=NOTICES.outcome(
            account, "istanza_suspended", ctx, protocol=istanza.protocol, service=istanza.service
        ),
    )


def _answer(account: Account, istanza: Istanza, *, suspended: bool) -> Reply:
    if not suspended:
        return accepted(protocol=istanza.protocol, status="in_progress")
    notice = TEXTS.notice("istanza_suspended", account.language)
    return accepted(protocol=istanza.protocol, status="suspended", notice=notice)
