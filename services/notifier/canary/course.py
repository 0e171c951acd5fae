"""What a canary is, and what its course means. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal

from services.notifier.canary.settings import CanarySettings, lines_of
from shared.contract.delivery import Content, Mail, Post, Sms
from shared.crypto.secret import Secret
from shared.italy.dates import ROME

CANARY: Final = bytes(15) + b"\x01"
"""The subject of canaries; a citizen's is a keyed hash. Not the operators': their chain is locked by none of
this, and `pinctl` alone writes it."""
_SUBJECT: Final = "PIN online: messaggio di prova"
_TEXT: Final = (
    "Questo è un messaggio di prova automatico (canary) del servizio PIN online, delle ore {at} UTC.\n\n"
    "Non contiene alcun PIN e non richiede alcuna azione."
)
_SMS: Final = "PIN online: messaggio di prova automatico (canary) delle ore {at} UTC. Non contiene alcun PIN."
Outcome = Literal["sent", "delivered", "failed", "overdue"]


@dataclass(frozen=True, slots=True)
class Plan:
    """Canaries of one channel.

    Attributes:
        channel: by its name.
        to: where they go.
        interval: between two.
        sent_within: how soon one has to be with the provider.
        heard_within: how soon its receipt has to be there; until then a failure is waited for.
        receipts: whether receipts come at all.
    """

    channel: str
    to: str
    interval: timedelta
    sent_within: timedelta
    heard_within: timedelta
    receipts: bool


def plans(settings: CanarySettings) -> tuple[Plan, ...]:
    """Return the canaries that are wanted."""
    letter = settings.canary_letter_within
    every = [
        *(
            Plan(
                channel,
                to,
                settings.canary_interval,
                settings.canary_within,
                settings.canary_receipt_within,
                channel in settings.canary_receipts,
            )
            for channel, to in (
                ("sms", settings.canary_mobile),
                ("email", settings.canary_email),
                ("pec", settings.canary_pec),
            )
        ),
        Plan(
            "post",
            settings.canary_address,
            settings.canary_letter_interval,
            letter,
            letter,
            "post" in settings.canary_receipts,
        ),
    ]
    return tuple(plan for plan in every if plan.to)


def content(plan: Plan, made_at: datetime) -> Content:
    """Return what a canary says: that it is one. It has no half, and no word that looks like one."""
    at = f"{made_at:%H:%M}"
    match plan.channel:
        case "sms":
            return Sms(plan.to, Secret(_SMS.format(at=at)))
        case "post":
            today: date = made_at.astimezone(ROME).date()
            # A letter without a half has a page of its own, and no words for a citizen.
            return Post(lines_of(plan.to), "", "it", Secret(""), today, today)
        case _:
            return Mail(plan.to, _SUBJECT, Secret(_TEXT.format(at=at)), "it")


@dataclass(frozen=True, slots=True)
class Course:
    """How far a canary has come.

    Attributes:
        age: since it was made.
        took: from then until its delivery last moved.
        status: of its delivery, empty while nothing is recorded.
        posted: whether the print shop says that it posted the letter.
        told: its last outcome in the log, empty before the first.
        late: of what it was told to be overdue: empty, `sent` or `delivered`.
    """

    age: timedelta
    took: timedelta
    status: str
    posted: bool
    told: str
    late: str
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log.

    Attributes:
        outcome: its event is `canary.` and this.
        seconds: from making it.
        missing: what is overdue, `sent` or `delivered`; empty else.
    """

    outcome: Outcome
    seconds: int
    missing: str = ""


def go_on(course: Course, plan: Plan) -> tuple[Course, list[Line]]:
    """Return how far a canary is now, and what is new of it."""
    lines: list[Line] = []
    took = max(0, round(course.took.total_seconds()))
    arrived = course.status == "delivered" or (plan.channel == "post" and course.posted)
    if course.status in {"failed", "returned"}:
        return replace(course, told="failed", ended=True), [Line("failed", took)]
    if not course.told and (arrived or course.status == "sent"):
        lines.append(Line("sent", took))
        course = replace(course, told="sent")
    if arrived:
        return replace(course, told="delivered", ended=True), [*lines, Line("delivered", took)]
    missing = _missing(course, plan)
    if missing and missing != course.late:
        lines.append(Line("overdue", round(course.age.total_seconds()), missing))
        course = replace(course, late=missing)
    done = course.told == "sent" and not plan.receipts and course.age > plan.heard_within
    return replace(course, ended=done), lines


def _missing(course: Course, plan: Plan) -> str:
    if course.told != "sent":
        return "sent" if course.age > plan.sent_within else ""
    return "delivered" if plan.receipts and course.age > plan.heard_within else ""
