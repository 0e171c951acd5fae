"""What the tests of both flows share: asking for a link, and reading its token from the mail."""

import re

from services.revoker import restore, revoke
from shared.contract.reply import rejected
from shared.domain.account import Account
from shared.domain.decision import Decision, DecisionContext
from tests.unit.decisions import account, moment, read, sealed, told

MOBILE_AND_EMAIL = {"mobile": "+393331234567", "email": "mario.rossi@example.com"}
OWN_ADDRESS = "anna@example.net"
LINK_INVALID = rejected("link_invalid")


def changed(decision: Decision) -> Account:
    """Return the account as a decision leaves it."""
    assert decision.account is not None
    return decision.account


def token_of(decision: Decision) -> str:
    """Return the token of the one link among what a decision tells."""
    (token,) = re.findall(r"\?token=(\S+)", "".join(message.text for message in told(decision)))
    return str(token)


def asked_to_restore(
    citizen: Account | None = None, ctx: DecisionContext | None = None, **contacts: str
) -> tuple[Account, str]:
    """Return an account with a link to restore open, and the link's token."""
    command = read("restore.request", contacts=contacts or MOBILE_AND_EMAIL)
    decision = restore.request(citizen or account("active"), command, ctx or moment())
    return changed(decision), token_of(decision)


def asked_to_revoke(
    citizen: Account | None = None, ctx: DecisionContext | None = None
) -> tuple[Account, str]:
    """Return an account with a link to revoke open, and the link's token."""
    decision = revoke.request(
        citizen or account("active"), read("revoke.request", email=OWN_ADDRESS), ctx or moment()
    )
    return changed(decision), token_of(decision)


def confirm_restore(citizen: Account, token: str, ctx: DecisionContext | None = None) -> Decision:
    """Open a link to restore."""
    return restore.confirm(
        citizen, read("restore.confirm", token_sealed=sealed(token)), ctx or moment(seed=1)
    )


def confirm_revocation(citizen: Account, token: str, ctx: DecisionContext | None = None) -> Decision:
    """Open a link to revoke."""
    return revoke.confirm(citizen, read("revoke.confirm", token_sealed=sealed(token)), ctx or moment(seed=1))


def codes(decision: Decision) -> list[tuple[str, str]]:
    """Return the entries of a refusal, as kind and code."""
    return [(entry.kind, entry.data["code"]) for entry in decision.entries]
