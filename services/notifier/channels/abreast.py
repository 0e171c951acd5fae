"""Sends a batch, several at once, and makes an outcome of whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog

from services.notifier.outcome import Outcome, Postponed, Unreachable
from services.notifier.outgoing import Outgoing

log = structlog.get_logger()

SendOne = Callable[[Outgoing], Awaitable[Outcome]]


async def send_abreast(batch: Sequence[Outgoing], width: int, send_one: SendOne) -> list[Outcome]:
    """Send all of a batch, `width` at a time.

    Whoever finds the provider unreachable leaves the rest to the others; when nobody is left, what was
    not begun shares that outcome. So a provider that throttles is asked less, one that is down is not
    asked for each delivery, and one delivery that upsets it does not keep the others back.

    Returns:
        One outcome each, in the order of the batch.
    """
    outcomes: list[Outcome | None] = [None] * len(batch)
    waiting = iter(enumerate(batch))
    async with asyncio.TaskGroup() as group:
        senders = [
            group.create_task(_send_in_turn(waiting, outcomes, send_one))
            for _ in range(min(width, len(batch)))
        ]
    down = next((ending for sender in senders if (ending := sender.result())), Unreachable("not_tried"))
    return [outcome or down for outcome in outcomes]


async def _send_in_turn(
    waiting: Iterator[tuple[int, Outgoing]],
    outcomes: list[Outcome | None],
    send_one: SendOne,
) -> Unreachable | None:
    for place, outgoing in waiting:
        outcome = await _outcome(outgoing, send_one)
        outcomes[place] = outcome
        if isinstance(outcome, Unreachable):
            return outcome
    return None


async def _outcome(outgoing: Outgoing, send_one: SendOne) -> Outcome:
    try:
        return await send_one(outgoing)
    except Exception as error:  # noqa: BLE001 - a fault of ours with one delivery must not repeat its neighbours
        log.error(  # noqa: TRY400 - the text of the error may quote an address
            "channel.fault", delivery_id=str(outgoing.id), error=type(error).__name__
        )
        return Postponed("channel_fault")
