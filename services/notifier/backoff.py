"""When a delivery that failed for now is tried again. Pure: chance comes in."""

from datetime import timedelta


def next_delay(
    attempt: int,
    jitter: float,
    base: timedelta = timedelta(minutes=1),
    cap: timedelta = timedelta(hours=6),
) -> timedelta:
    """Return the wait before the next try: full jitter, so that a burst that failed does not return as one.

    Args:
        attempt: tries made so far, from 1.
        jitter: chance, from 0 up to 1.
        base: longest wait after the first try; doubles with each.
        cap: longest wait of all.

    Returns:
        At least a second, at most `cap`.
    """
    # 2**40 of any base is past any cap, and a timedelta overflows not far beyond.
    ceiling = min(cap, base * 2 ** min(attempt - 1, 40)) if base < cap else cap
    return max(timedelta(seconds=1), ceiling * jitter)


def exhausted(attempt: int, limit: int = 8) -> bool:
    """Tell whether the try just made was the last one allowed."""
    return attempt >= limit
