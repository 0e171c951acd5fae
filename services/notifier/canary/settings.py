"""What can be set about the canaries; each line says what it costs to change it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.config.settings import Names, Settings
from shared.contract.channels import CHANNELS

_MOBILE = re.compile(r"\+[1-9][0-9]{7,14}")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_FEWEST_LINES, _MOST_LINES = 3, 8
_NAMES = frozenset(channel.name for channel in CHANNELS)


def _mobile(value: str) -> str:
    if value and not _MOBILE.fullmatch(value):
        raise ValueError("has to be a number in E.164, such as +393331234567")
    return value


def _mailbox(value: str) -> str:
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError("has to be one address, local@domain")
    return value


def lines_of(value: str) -> tuple[str, ...]:
    """Return the lines of a postal address, which semicolons separate."""
    return tuple(line.strip() for line in value.split(";") if line.strip())


def _lines(value: str) -> str:
    if value and not _FEWEST_LINES <= len(lines_of(value)) <= _MOST_LINES:
        raise ValueError("has to be 3 to 8 lines with `;` between them")
    return value


def _channels(value: frozenset[str]) -> frozenset[str]:
    if value - _NAMES:
        raise ValueError(f"has to be names of channels: {', '.join(sorted(_NAMES))}")
    return value


class CanarySettings(Settings):
    """Settings of the canaries, from `PIN_CANARY_…`: messages to ourselves, by the way of the citizens'."""

    canary_mobile: Annotated[str, AfterValidator(_mobile)] = ""
    """The number that gets the canary SMS. Empty: none. Each costs what an SMS costs."""
    canary_email: Annotated[str, AfterValidator(_mailbox)] = ""
    """The address that gets the canary mail. Empty: none. Not with our own provider: what fails between it
    and others would not show."""
    canary_pec: Annotated[str, AfterValidator(_mailbox)] = ""
    """The address that gets the canary PEC. Empty: none. With another provider than ours, as before."""
    canary_address: Annotated[str, AfterValidator(_lines)] = ""
    """Where the canary letter goes: 3 to 8 lines with `;` between them, such as
    `Ufficio PIN;Via Roma 1;00184 ROMA RM`. Empty: none. Whoever sits there tells when none came."""
    canary_interval: Annotated[timedelta, Field(ge=timedelta(minutes=1))] = timedelta(hours=1)
    """Between two canaries of SMS, mail and PEC. Shorter shows a fault sooner, and costs as many messages."""
    canary_letter_interval: Annotated[timedelta, Field(ge=timedelta(hours=1))] = timedelta(days=1)
    """Between two canary letters, whatever day it is."""
    canary_receipts: Annotated[Names, AfterValidator(_channels)] = frozenset()
    """Channels of which receipts come back, such as `pec post`: there a canary is overdue without one, too.
    A channel without receipts in it is overdue for ever; one left out can be silent unseen."""
    canary_within: timedelta = timedelta(minutes=15)
    """How soon an SMS, a mail or a PEC has to be with its provider. Shorter alarms at every pause of it."""
    canary_receipt_within: timedelta = timedelta(hours=2)
    """How soon its receipt has to be there, and how long a failure is waited for."""
    canary_letter_within: timedelta = timedelta(days=6)
    """How soon a letter has to be with the print shop, or posted where receipts of `post` come. Has to be
    longer than the longest holidays; a canary that is late anyway hides one that matters."""

    def faults(self) -> Iterator[str]:
        """Yield limits that contradict each other."""
        yield from super().faults()
        if self.canary_receipt_within < self.canary_within:
            yield "PIN_CANARY_RECEIPT_WITHIN: has to be at least PIN_CANARY_WITHIN"
