"""Istanze: each is protocolled; one sent with a PIN that is not dispositivo is suspended (R30, R31).

The reply says of each that it is suspended. By mail the citizen is told of the first of a day at once, and of
the others of that day in one mail at its end.
"""

from datetime import date

from services.dispositivo.texts import NOTICES, TEXTS
from shared.contract.dispositivo import IstanzaSubmit
from shared.contract.events import IstanzaProtocolled
from shared.contract.internal import TellSuspended
from shared.contract.reply import Reply, accepted, rejected
from shared.domain.account import Account, Istanza, SuspendedTold
from shared.domain.decision import ContextWith, Decision, DecisionContext, Event, LedgerEntry, WorkerMessage
from shared.italy.dates import day_of, end_of

_YEAR = 10**10
_REMEMBERED = 20
"""The latest istanze of a citizen, kept to detect duplicates."""


def submit(account: Account, command: IstanzaSubmit, ctx: ContextWith[int]) -> Decision:
    """Protocol an istanza: in progress with a dispositivo PIN, else suspended, and the citizen is notified.

    A duplicate under another `message_id` gets the protocol that it has already. As many as a setting says
    may be suspended at once.
    """
    if account.status != "active":
        return Decision(reply=rejected("no_active_pin"))
    if known := _sent_before(account, command):
        return Decision(reply=_answer(account, known, suspended=known in account.suspended))
    if account.level != "dispositivo" and len(account.suspended) >= ctx.policy.suspended_istanze:
        return Decision(reply=rejected("too_many_suspended"))
    istanza = Istanza(
        id=command.istanza_id, protocol=protocol(ctx.known), service=command.service, submitted_at=ctx.now
    )
    return _protocolled(account, istanza, ctx)


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
    return _told(protocolled, remembered, istanza, ctx) if suspended else protocolled


def _told(protocolled: Decision, account: Account, istanza: Istanza, ctx: DecisionContext) -> Decision:
    """Suspend an istanza, and tell by mail: at once if it is the first of the day, else at the day's end."""
    today, told = day_of(ctx.now), account.suspended_told
    suspended = account.but(suspended=(*account.suspended, istanza))
    if told is None or told.first_on < today:
        untold = told.untold if told else ()
        return protocolled.but(
            account=suspended.but(suspended_told=SuspendedTold(first_on=today, untold=untold)),
            deliveries=NOTICES.outcome(
                account, "istanza_suspended", ctx, protocol=istanza.protocol, service=istanza.service
            ),
        )
    gathered = told.but(untold=(*told.untold, istanza.protocol), gathered_on=today)
    at_the_end = () if told.gathered_on == today else (_at_the_end(account, today),)
    return protocolled.but(account=suspended.but(suspended_told=gathered), messages=at_the_end)


def _at_the_end(account: Account, day: date) -> WorkerMessage:
    """Return the message that is due when a day is over."""
    return WorkerMessage(TellSuspended(subject=account.subject.hex(), day=day), due_at=end_of(day))


def notify_of_gathered(account: Account, command: TellSuspended, ctx: DecisionContext) -> Decision:
    """Tell in one mail of the istanze that were suspended on a day after its first (R31).

    Those that were released meanwhile are not in it: the mail about the release was.
    """
    if ctx.now < end_of(command.day):
        # Another machine's clock is ahead of ours: the message is retried, or the mail would be lost.
        return Decision(messages=(_at_the_end(account, command.day),))
    told = account.suspended_told
    if told is None or not told.untold:
        return Decision()
    waiting = [istanza.protocol for istanza in account.suspended if istanza.protocol in set(told.untold)]
    emptied = Decision(account=account.but(suspended_told=told.but(untold=())))
    mails = (
        NOTICES.outcome(account, "istanze_suspended", ctx, protocols=", ".join(waiting)) if waiting else ()
    )
    if not mails:
        return emptied
    return emptied.but(
        entries=(LedgerEntry("istanza.suspended_told", {"istanze": len(waiting)}),), deliveries=mails
    )


def _answer(account: Account, istanza: Istanza, *, suspended: bool) -> Reply:
    if not suspended:
        return accepted(protocol=istanza.protocol, status="in_progress")
    notice = TEXTS.notice("istanza_suspended", account.language)
    return accepted(protocol=istanza.protocol, status="suspended", notice=notice)
