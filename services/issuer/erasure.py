"""The end of what is kept about a citizen: at an operator's word, or long after the PIN ended."""

from collections.abc import Collection
from dataclasses import dataclass

from services.issuer.texts import NOTICES
from shared.contract.events import CitizenErased
from shared.contract.issuer import CitizenErase
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Attempts
from shared.domain.decision import ContextWith, Decision, DecisionContext, Event, LedgerEntry
from shared.domain.revocation import revoked


@dataclass(frozen=True, slots=True)
class EndedLongAgo:
    """The citizen's PIN ended so long ago that nothing need be kept."""


def erase(account: Account, _: CitizenErase, ctx: DecisionContext) -> Decision:
    """Erase what is kept about a citizen; a live PIN is revoked first, and the citizen notified of that.

    Who has no live PIN is not written to: those contacts may be somebody else's by now. The reason is free
    text and may name people: it is kept nowhere. Of somebody unknown the ledger gets no row.
    """
    if not known(account):
        return Decision(reply=rejected("unknown_citizen"))
    ending = revoked(account, "contact_centre") if account.live else Decision(account=account)
    return _erased(ending, cause="operator").but(
        reply=accepted(),
        deliveries=NOTICES.to_all((account.contacts,), account, "pin_erased", ctx) if account.live else (),
    )


def forget(account: Account, _: EndedLongAgo, ctx: ContextWith[Collection[bytes]]) -> Decision:
    """Erase what is kept about a citizen whose PIN ended long ago, unless there is a new one since.

    Args:
        account: the citizen's.
        ctx: `known` has the citizens whose time is over, as of this transaction.
    """
    if account.live or account.subject not in ctx.known or not known(account):
        return Decision()
    return _erased(Decision(account=account), cause="period")


def known(account: Account) -> bool:
    """Return whether anything about a citizen is kept: failed attempts are a stranger's."""
    return bool(account.but(attempts=Attempts(), card_attempts=Attempts()) != emptied(account))


def emptied(account: Account) -> Account:
    """Return the account with nothing in it but its status and, if the citizen has died, the day of that.

    The day of a death stays: without it anybody could be issued a PIN in the name of who has died.
    """
    return Account(
        subject=account.subject,
        version=account.version,
        status=account.status,
        deceased_on=account.deceased_on,
    )


def _erased(before: Decision, **entry: str) -> Decision:
    """Add the erasure to a decision that leaves an account without a live PIN."""
    if before.account is None or before.account.live:
        raise ValueError("only an account without a live PIN is emptied")
    event = Event(CitizenErased())
    return before.but(
        account=emptied(before.account),
        entries=(*before.entries, LedgerEntry(event.type, entry)),
        events=(*before.events, event),
    )
