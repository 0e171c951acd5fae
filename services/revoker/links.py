"""Confirming links (R14, R20): how they are made and checked, and how many are sent.

Expiry is checked when a link is tried, and the next request replaces it: neither needs a timer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from shared.contract.reply import accepted, rejected
from shared.crypto.secret import Secret
from shared.domain.account import Account, Link
from shared.domain.decision import Decision, DecisionContext, LedgerEntry
from shared.italy.dates import instant

Flow = Literal["restore", "revoke"]
WhyNot = Literal["no_link", "expired", "unreadable_token", "wrong_token"]
"""Why a confirmation was refused, for ledger and log; the reply does not distinguish them."""

TOKEN_BYTES = 20
"""160 bits, in hex one word of 40 characters, which cannot be mistaken for half a PIN."""
_NOTED = 5
"""Refused confirmations of one link that the ledger notes. Anybody can send more: the log has them all."""
_DAY = timedelta(days=1)
_KEPT_AS = {"restore": "restore", "revoke": "revocation"}


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link being sent: the data for the mail and for the account."""

    url: Secret
    kept: Link

    def values(self, language: str) -> dict[str, str]:
        """Return the values for the mail's template."""
        return {"link": self.url.reveal(), "valid_until": instant(self.kept.expires_at, language)}


def new_link(flow: Flow, ctx: DecisionContext) -> NewLink:
    """Draw the token of a link to the portal's confirmation page."""
    token = Secret(ctx.random(TOKEN_BYTES).hex())
    url = Secret(f"{ctx.policy.portal_url.rstrip('/')}/{flow}/confirm?token={token.reveal()}")
    return NewLink(url, Link(digest=ctx.pepper.link(token), expires_at=ctx.now + ctx.policy.link_validity))


def may_send(account: Account, ctx: DecisionContext) -> bool:
    """Return whether fewer links than the limit were sent to the citizen in 24 hours, of both flows."""
    return len(_of_last_day(account, ctx.now)) < ctx.policy.links_a_day


def with_link(account: Account, flow: Flow, link: Link, ctx: DecisionContext) -> Account:
    """Return the account with this link open, replacing an earlier one."""
    sending: Account = account.but(
        **{_KEPT_AS[flow]: link}, links_sent=(*_of_last_day(account, ctx.now), ctx.now)
    )
    return sending


def _of_last_day(account: Account, now: datetime) -> tuple[datetime, ...]:
    return tuple(moment for moment in account.links_sent if now - moment < _DAY)


def refused(account: Account, flow: Flow, why: str, *more: LedgerEntry) -> Decision:
    """Send no link; the reply is the usual one. Of a nobody the ledger notes nothing, the log does."""
    entries = () if account.nobody else (LedgerEntry(f"{flow}.refused", {"code": why}), *more)
    return Decision(reply=accepted(), entries=entries, reason=why)


def check_token(link: Link | None, token_sealed: str, ctx: DecisionContext) -> Link | WhyNot:
    """Return the link if the token matches, else the reason.

    However many wrong ones came before, the right one opens: 160 bits are not guessed, and a limit would only
    let strangers close the link.
    """
    if link is None:
        return "no_link"
    if ctx.now >= link.expires_at:
        return "expired"
    token = ctx.box.open(token_sealed)
    if token is None:
        return "unreadable_token"
    return link if ctx.pepper.opens_link(link.digest, token) else "wrong_token"


def not_confirmed(account: Account, flow: Flow, why: WhyNot) -> Decision:
    """Refuse a confirmation; of those that concern a link that was sent, the ledger notes the first few.

    Past these, and where there is no link, a refusal writes nothing that stays: no flood fills the ledger.
    """
    refusal = Decision(reply=rejected("link_invalid"), reason=why)
    link: Link | None = getattr(account, _KEPT_AS[flow])
    if link is None or link.tried >= _NOTED:
        return refusal
    return refusal.but(
        account=account.but(**{_KEPT_AS[flow]: link.but(tried=link.tried + 1)}),
        entries=(LedgerEntry(f"{flow}.not_confirmed", {"code": why}),),
    )
