"""What a deliver_sm says of a message that was handed over: the text of Appendix B, or its parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.notifier.channels.smpp.pdu import Deliver, Tag
from services.notifier.channels.smpp.pdu import message_id as written_id
from services.notifier.smpp_settings import Ids
from shared.contract.internal import ReportStatus
from shared.errors import UnreadableReceiptError
from shared.italy.dates import ROME

STATES: Final[Mapping[str, ReportStatus]] = {
    "DELIVRD": "delivered",
    "EXPIRED": "failed",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "REJECTD": "failed",
    "ENROUTE": "accepted",
    "ACCEPTD": "accepted",
    # The SMSC does not know: neither an arrival nor a failure.
    "UNKNOWN": "accepted",
    "others": "accepted",
}
"""By the state in a receipt (Appendix B); `accepted` ends nothing."""
_BY_NUMBER: Final = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
"""`message_state` (5.2.28)."""
_KIND, _RECEIPT, _NOTIFICATION = 0b0011_1100, 0b0000_0100, 0b0010_0000
_UCS2 = 8
_ID = re.compile(r"\bid:([!-~]{1,65})")
_STATE = re.compile(r"\bstat:([A-Z]{3,12})\b", re.IGNORECASE)
_ERROR = re.compile(r"\berr:([0-9A-Z]{1,8})\b", re.IGNORECASE)
_DONE = re.compile(r"\bdone date:(\d{10})(\d\d)?\b", re.IGNORECASE)
_QUOTE = re.compile(r"\btext:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the SMSC says.

    Attributes:
        message_id: of the message, as `same_id` writes it.
        state: a word of `STATES`, or another one.
        error: the network's code, empty if there is none or it is zero.
        done_at: when it came to this, in UTC; None if the receipt does not say so.
    """

    message_id: str
    state: str
    error: str
    done_at: datetime | None

    @property
    def status(self) -> ReportStatus:
        """What it means for the delivery."""
        return STATES.get(self.state, STATES["others"])

    @property
    def evidence(self) -> str:
        """A stable word, such as `smpp_undeliv_034`."""
        return "_".join(filter(None, ("smpp", self.state.lower(), self.error.lower())))


def is_receipt(deliver: Deliver) -> bool:
    """Return whether the SMSC itself says so: the text alone may be a message that a phone sent."""
    return deliver.esm_class & _KIND in {_RECEIPT, _NOTIFICATION}


def read_receipt(deliver: Deliver, sent: Ids, receipted: Ids) -> Receipt:
    """Read a receipt.

    Args:
        deliver: that is one.
        sent: how the SMSC writes ids where it takes messages, and in `receipted_message_id`.
        receipted: how it writes them in the text of receipts.

    Raises:
        UnreadableReceiptError: it names no message, or no state.
    """
    text, tlvs = _own_words(deliver), deliver.tlvs
    named = written_id(tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b""))
    found = _ID.search(text)
    state = _BY_NUMBER.get(int.from_bytes(tlvs.get(Tag.MESSAGE_STATE, b""), "big"))
    if not state and (written := _STATE.search(text)):
        state = written[1].upper()
    if not state or not (named or found):
        raise UnreadableReceiptError
    message_id = same_id(named, sent) if named else same_id(found[1] if found else "", receipted)
    return Receipt(message_id, state, _error(text, tlvs), _done_at(text))


def reference(provider: str, message_id: str) -> str:
    """Return the reference of a message: two providers may give the same id."""
    return f"{provider}:{message_id}"


def same_id(message_id: str, written: Ids) -> str:
    """Return an id so that the same message has the same one, wherever the SMSC writes it."""
    if written == "text":
        return message_id
    try:
        return str(int(message_id, 16 if written == "hex" else 10))
    except ValueError:
        return message_id


def _own_words(deliver: Deliver) -> str:
    """Return the text up to where it quotes ours."""
    text = deliver.text.decode("utf-16-be" if deliver.coding == _UCS2 else "latin-1", errors="replace")
    return _QUOTE.split(text, maxsplit=1)[0]


def _error(text: str, tlvs: Mapping[int, bytes]) -> str:
    found = _ERROR.search(text)
    code = found[1] if found else ""
    if not code and (raw := tlvs.get(Tag.NETWORK_ERROR_CODE, b"")):
        code = str(int.from_bytes(raw[1:3], "big"))  # the first octet names the kind of network
    return code if code.strip("0") else ""


def _done_at(text: str) -> datetime | None:
    """Return the SMSC's time. It has no zone: the SMSCs of Italian carriers go by Italy's."""
    found = _DONE.search(text)
    try:
        written = datetime.strptime(found[1] + (found[2] or "00"), "%y%m%d%H%M%S") if found else None  # noqa: DTZ007 - the zone is the next line's
    except ValueError:
        return None
    return written.replace(tzinfo=ROME).astimezone(UTC) if written else None
