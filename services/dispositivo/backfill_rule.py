"""Gives the profile to PINs issued after a recognition that precedes the profile (R9)."""

from datetime import datetime, time

from services.dispositivo.activation import activated
from services.dispositivo.backfill_csv import Recognised
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, Recognition
from shared.domain.decision import Decision, DecisionContext, LedgerEntry
from shared.domain.recognition import recognitions
from shared.italy.dates import ROME

BACKFILL = "backfill"


def give(account: Account, line: Recognised, ctx: DecisionContext) -> Decision:
    """Make a live PIN dispositivo because of an old recognition, once.

    A recognition counts once: a PIN issued later, after a revocation, does not become dispositivo when the
    file is run again.
    """
    recognition = _recognition(line)
    if any(_same(recognition, known) for known in recognitions(account)):
        return Decision(reply=rejected("done_before", "This recognition was counted before."))
    if not account.live:
        return Decision(reply=rejected("no_live_pin"))
    if account.level == "dispositivo":
        return Decision(reply=rejected("already_dispositivo"))
    facts = {"channel": BACKFILL, "kind": line.kind, "recognised_on": line.day.isoformat()}
    activation = activated(account, BACKFILL, recognition, ctx, LedgerEntry("dispositivo.activated", facts))
    return activation.but(reply=accepted())


def _recognition(line: Recognised) -> Recognition:
    return Recognition(kind=line.kind, at=datetime.combine(line.day, time(), tzinfo=ROME), operator=BACKFILL)


def _same(one: Recognition, other: Recognition) -> bool:
    return (one.kind, one.at, one.operator) == (other.kind, other.at, other.operator)
