"""What the log says of a bundle, for the service levels: how many deliveries went out, and how soon."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.notifier.bundle import Bundle
from services.notifier.outcome import Refused, Result, Sent, Unopenable

PROMPT = timedelta(seconds=10)
"""From a command to its message at the provider: a deployment promises that this holds for 99 in 100."""


def measured(bundle: Bundle, results: Sequence[Result], now: datetime) -> Mapping[str, int]:
    """Return the counts of one bundle's deliveries.

    Args:
        bundle: what was tried.
        results: of each delivery.
        now: at the latest, when the last of them was taken.

    Returns:
        `handed` that a provider took, `prompt` of them within ten seconds of the command, `refused` for good,
        `again` that are tried later.
    """
    handed = [one for one, result in zip(bundle.deliveries, results, strict=True) if isinstance(result, Sent)]
    refused = sum(isinstance(result, Refused) for result in results)
    unopenable = sum(isinstance(result, Unopenable) for result in results)
    return {
        "handed": len(handed),
        "prompt": sum(now - (one.asked_at or one.decided_at) <= PROMPT for one in handed),
        "refused": refused,
        "again": len(results) - len(handed) - refused - unopenable,
    }
