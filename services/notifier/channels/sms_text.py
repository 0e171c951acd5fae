"""The text of an SMS, whichever way it goes out."""

from typing import Any

from services.notifier.outgoing import Outgoing
from shared.contract.delivery import Sms
from shared.texts.sms_length import segments


def sms_of(outgoing: Outgoing, log: Any) -> tuple[Sms, int]:  # noqa: ANN401 - structlog's
    """Return an SMS, and of how many segments it is.

    Raises:
        TypeError: the delivery is something else.
    """
    if not isinstance(outgoing.content, Sms):
        raise TypeError("only an Sms goes by SMS")
    if (parts := segments(outgoing.content.text.reveal())) > 1:
        # It costs more and may arrive in parts, but it arrives: the template has to be corrected.
        log.warning("sms.too_long", delivery_id=str(outgoing.id), segments=parts)
    return outgoing.content, parts
