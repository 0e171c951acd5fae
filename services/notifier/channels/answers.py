"""The meaning of every provider's answer: the one table, which `docs/deliveries.md` explains.

An answer about the named recipient alone is decided here. One that may also be about the provider's state
is doubtful: `suspicion.py` decides it, from the answers about other recipients.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final, Literal

from services.notifier.outcome import Answer, Doubtful, Postponed, Refused, Sent, Unreachable

Stage = Literal["mail", "rcpt", "data"]
"""The SMTP command that was answered; `data` covers the text as well."""


class Meaning(Enum):
    """What an answer means for the delivery and for the lane."""

    REFUSED = "refused"
    POSTPONED = "postponed"
    DOUBTFUL = "doubtful"
    FAILED_INSIDE = "doubtful, perhaps taken"
    THROTTLED = "doubtful, throttled"
    TAKEN = "taken earlier"
    UNREACHABLE = "unreachable"


SMS: Mapping[str, Meaning] = {
    "400": Meaning.REFUSED,
    "410": Meaning.REFUSED,  # the number is gone
    "413": Meaning.REFUSED,  # as long at every retry
    "422": Meaning.REFUSED,
    # The gateway knows this client_ref: an earlier try was accepted.
    "409": Meaning.TAKEN,
    "429": Meaning.THROTTLED,
    "503": Meaning.THROTTLED,
    # The gateway, or what is behind it, failed on this message, before or after it was taken.
    "500": Meaning.FAILED_INSIDE,
    "502": Meaning.FAILED_INSIDE,
    "504": Meaning.FAILED_INSIDE,
    # 401 to 405, 407, 408, 425, redirects, other 5xx and all unforeseen ones: a number that this gateway
    # does not serve, a message that it fails on, or our account, our settings, its state.
    "others": Meaning.DOUBTFUL,
}
"""By HTTP status, other than 2xx."""

SMPP: Mapping[str, Meaning] = {
    "0x01": Meaning.REFUSED,  # ESME_RINVMSGLEN: as long at every retry
    "0x0b": Meaning.REFUSED,  # ESME_RINVDSTADR: the number
    "0x04": Meaning.UNREACHABLE,  # ESME_RINVBNDSTS: the SMSC does not know our session any more
    "0x14": Meaning.THROTTLED,  # ESME_RMSGQFUL
    "0x58": Meaning.THROTTLED,  # ESME_RTHROTTLED
    "0x64": Meaning.POSTPONED,  # ESME_RX_T_APPN: what is behind the SMSC, temporarily
    # ESME_RSYSERR, ESME_RUNKNOWNERR: the SMSC failed on this message, before or after it was taken.
    "0x08": Meaning.FAILED_INSIDE,
    "0xff": Meaning.FAILED_INSIDE,
    # ESME_RSUBMITFAIL, ESME_RINVSRCADR, ESME_RX_P_APPN, those of optional parameters, those of the provider's
    # own: a number that it does not serve, or our account, our settings, its state.
    "others": Meaning.DOUBTFUL,
}
"""By `command_status` of a submit_sm_resp or a generic_nack (SMPP 3.4, 5.1.3), other than 0."""


SMS_LANDLINE: Final = ("landline", "not_mobile")
"""The `code` in the JSON body of a refusal that says that the number is no mobile, and never will receive."""


def _row(mail: Meaning, rcpt: Meaning, data: Meaning) -> dict[Stage, Meaning]:
    return {"mail": mail, "rcpt": rcpt, "data": data}


_DOUBTFUL = _row(Meaning.UNREACHABLE, Meaning.DOUBTFUL, Meaning.DOUBTFUL)
_THROTTLED = _row(Meaning.UNREACHABLE, Meaning.THROTTLED, Meaning.THROTTLED)

SMTP: Mapping[str, Mapping[Stage, Meaning]] = {
    "421": _THROTTLED,  # the server closes: for this recipient, this connection, or all
    "452": _THROTTLED,  # no room: in the mailbox, or on the server
    # Relay access, TLS or log-in, temporarily: 454 is about our account at the relay, unlike other 4xx.
    "454": _DOUBTFUL,
    "4xx": _row(Meaning.UNREACHABLE, Meaning.POSTPONED, Meaning.POSTPONED),  # greylists, busy mailboxes
    # Our log-in. RFC 4954.
    "530": _DOUBTFUL,
    "534": _DOUBTFUL,
    "535": _DOUBTFUL,
    "538": _DOUBTFUL,
    # Protocol out of step; some servers reply so when a log-in is missing.
    "500": _DOUBTFUL,
    "502": _DOUBTFUL,
    "503": _DOUBTFUL,
    "504": _DOUBTFUL,
    # A policy (RFC 3463): the recipient's, or our own relay's.
    "5.7.x": _DOUBTFUL,
    "5xx": _row(Meaning.UNREACHABLE, Meaning.REFUSED, Meaning.REFUSED),  # the address, permanently
    "others": _DOUBTFUL,
}
"""By reply code and stage; the first match counts.

A reply before a recipient is named is never caused by the mail.
"""

_LONGEST_WAIT = 3600.0
_POLICY = re.compile(r"5\.7\.\d")


def sms_answer(
    status: int,
    retry_after: str | None = None,
    now: datetime | None = None,
    attempt: int = 1,
    code: object = None,
) -> Answer:
    """Return the meaning of an answer other than 2xx.

    Args:
        status: HTTP status.
        retry_after: the header, seconds or a date (RFC 9110, 10.2.3).
        now: to compute the delay from the date.
        attempt: number of the try.
        code: of the JSON body, if it has one.
    """
    meaning = SMS.get(str(status), SMS["others"])
    if meaning is Meaning.REFUSED and code in SMS_LANDLINE:
        return Refused("sms_landline")
    return _answer(meaning, f"sms_{status}", _seconds(retry_after, now or datetime.now(UTC)), attempt)


def smpp_answer(status: int) -> Answer:
    """Return the meaning of a `command_status` other than 0, which answers a submit_sm."""
    code = f"{status:#04x}"
    return _answer(SMPP.get(code, SMPP["others"]), f"smpp_{code}")


def smtp_answer(stage: Stage, code: int, text: str) -> Answer:
    """Return the meaning of a reply other than success.

    Args:
        stage: the command that was answered.
        code: SMTP reply code.
        text: of the reply, read for the enhanced code only.
    """
    return _answer(smtp_meaning(stage, code, text), f"smtp_{max(code, 0)}")


def smtp_meaning(stage: Stage, code: int, text: str) -> Meaning:
    """Return the table's meaning of a reply."""
    kind = "5.7.x" if code // 100 == 5 and _POLICY.match(text) else f"{code // 100}xx"  # noqa: PLR2004
    row = SMTP.get(str(code)) or SMTP.get(kind) or SMTP["others"]
    return row[stage]


def _answer(meaning: Meaning, reason: str, wait: float | None = None, attempt: int = 1) -> Answer:
    match meaning:
        case Meaning.REFUSED:
            return Refused(reason)
        case Meaning.POSTPONED:
            return Postponed(reason, wait)
        case Meaning.TAKEN:
            # A first try reported as a duplicate may be one, after a crash; the next try decides.
            return Sent("") if attempt > 1 else Postponed(reason, wait, perhaps_taken=True)
        case Meaning.UNREACHABLE:
            return Unreachable(reason, wait)
        case _:
            return Doubtful(
                reason,
                wait,
                throttled=meaning is Meaning.THROTTLED,
                failed_inside=meaning is Meaning.FAILED_INSIDE,
            )


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    if not retry_after:
        return None
    try:
        wait = float(retry_after) if retry_after.isdigit() else _until(retry_after, now)
    except ValueError:
        return None
    return min(max(wait, 0.0), _LONGEST_WAIT)


def _until(date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(date)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
