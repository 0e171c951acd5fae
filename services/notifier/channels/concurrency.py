"""Sends a batch concurrently, and turns every result or failure into an answer."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from services.notifier.channels.provider import Provider
from services.notifier.outcome import Answer, Doubtful, Postponed, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.suspicion import Hearing
from services.notifier.traced import SendOne, requesting

log = structlog.get_logger()


class ConcurrentSender:
    """The senders of one channel: halved when the provider throttles, doubled when it does not.

    Args:
        most: how many at most.
        provider: what the far end is called in traces.
    """

    def __init__(self, most: int, provider: str = "") -> None:
        self._most = self.width = most
        self._provider = provider

    async def send(self, batch: Sequence[Outgoing], send_one: SendOne, hearing: Hearing) -> list[Answer]:
        """Send a batch; see `send_concurrently`."""
        send_one = requesting(batch, send_one, self._provider)
        answers = await send_concurrently(batch, self.width, send_one, hearing)
        if hearing.throttled:
            self.width = max(1, self.width // 2)
        elif len(batch) >= self.width:  # a smaller batch does not show its capacity
            self.width = min(self._most, self.width * 2)
        return answers


class ProviderChannel:
    """A channel through one provider.

    Args:
        name: the channel's.
        provider: what takes its deliveries.
    """

    def __init__(self, name: str, provider: Provider) -> None:
        self.name = name
        self.upkeep = provider.upkeep
        self._provider = provider
        self._concurrent = ConcurrentSender(provider.concurrency, provider.name)

    async def send(self, batch: Sequence[Outgoing], hearing: Hearing) -> list[Answer]:
        """Send a batch; see `Channel.send`."""
        return await self._concurrent.send(batch, self._provider.send, hearing)

    async def close(self) -> None:
        """Close the provider's connections."""
        await self._provider.close()


async def send_concurrently(
    batch: Sequence[Outgoing], width: int, send_one: SendOne, hearing: Hearing
) -> list[Answer]:
    """Send all of a batch, `width` at a time, unless the provider is down.

    - A sender that finds the provider unreachable stops; when all have stopped, the deliveries not begun
      share that answer. So a provider that is down is not asked for each delivery.
    - Once several recipients are throttled, each throttled sender stops as well, to reduce the load. One or
      two throttled recipients have limits of their own, and no sender stops.
    - Once several recipients fail alike with no success between, no delivery is begun; if one under way
      succeeds, the rest is sent.

    Returns:
        One answer each, in the order of the batch.
    """
    round_ = _Round(batch, send_one, hearing)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(width, len(batch))):
            group.create_task(round_.send_in_turn())
    untried = round_.down or Unreachable("not_tried")
    return [answer or untried for answer in round_.answers]


class _Round:
    """One batch being sent."""

    def __init__(self, batch: Sequence[Outgoing], send_one: SendOne, hearing: Hearing) -> None:
        self.answers: list[Answer | None] = [None] * len(batch)
        self.down: Unreachable | None = None
        self._waiting = deque(enumerate(batch))
        self._send_one, self._hearing = send_one, hearing
        self._under_way = 0
        self._news = asyncio.Event()

    async def send_in_turn(self) -> None:
        while await self._may_begin():
            place, outgoing = self._waiting.popleft()
            asked = self._hearing.ask(outgoing)
            self._under_way += 1
            answer = await _answer(outgoing, self._send_one)
            self._under_way -= 1
            self.answers[place] = answer
            self._hearing.hear(asked, outgoing, answer)
            self._news.set()
            if self._has_to_leave(answer):
                return

    async def _may_begin(self) -> bool:
        while self._hearing.provider_at_fault and self._under_way:
            self._news.clear()
            await self._news.wait()
        return bool(self._waiting) and not self._hearing.provider_at_fault

    def _has_to_leave(self, answer: Answer) -> bool:
        if isinstance(answer, Unreachable):
            self.down = self.down or answer
            return True
        return isinstance(answer, Doubtful) and answer.throttled and self._hearing.throttled


async def _answer(outgoing: Outgoing, send_one: SendOne) -> Answer:
    try:
        return await send_one(outgoing)
    except Exception as error:  # noqa: BLE001 - an internal error with one delivery must not repeat the others
        log.error(  # noqa: TRY400 - the text of the error may quote an address
            "channel.fault", delivery_id=str(outgoing.id), error=type(error).__name__
        )
        return Postponed("channel_fault", unasked=True)
