"""When a delivery that failed temporarily is retried. Pure: randomness is an argument."""

from datetime import timedelta


def next_delay(
    attempt: int,
    jitter: float,
    base: timedelta = timedelta(minutes=1),
    cap: timedelta = timedelta(hours=6),
) -> timedelta:
    """Return the wait before the next try: full jitter, so that a failed burst is not retried as a burst.

    Args:
        attempt: tries made so far, from 1.
        jitter: random, from 0 up to 1.
        base: longest wait after the first try; doubles with each try.
        cap: longest wait of all.

    Returns:
        At least a second, at most `cap`.
    """
    # 2**40 times any base exceeds any cap; a timedelta overflows soon after.
    ceiling = min(cap, base * 2 ** min(attempt - 1, 40)) if base < cap else cap
    return max(timedelta(seconds=1), ceiling * jitter)


def exhausted(attempt: int, limit: int = 8) -> bool:
    """Return whether the try just made was the last one allowed."""
    return attempt >= limit
