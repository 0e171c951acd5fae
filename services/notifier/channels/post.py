"""Letters: many in one document, left in a folder for the print provider."""

import asyncio
import errno
from collections.abc import Sequence
from pathlib import Path

import structlog

from services.notifier.channels.letter import Letter, typeset
from services.notifier.channels.letter.sound import Typeset, letter_of, typeset_all
from services.notifier.channels.letter_seal import LetterSeal
from services.notifier.channels.spool import hand_over
from services.notifier.outcome import Answer, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Post
from shared.errors import TypesettingError

log = structlog.get_logger()


class PostChannel:
    """Typesets a batch into one document and hands it over."""

    name = "post"

    def __init__(self, folder: Path, typeset: Typeset = typeset, seal: LetterSeal | None = None) -> None:
        self._folder, self._seal = folder, seal
        self._typeset = typeset

    async def send(self, batch: Sequence[Outgoing], hearing: Hearing) -> list[Answer]:
        """Send a batch; see `Channel.send`."""
        asked = hearing.ask()
        # Typesetting and disk writes are slow, and must not block the event loop.
        answers = await asyncio.to_thread(self._answers, batch)
        for outgoing, answer in zip(batch, answers, strict=True):
            hearing.hear(asked, outgoing, answer)
        return answers

    async def close(self) -> None:
        """Do nothing: no resource is held."""

    def _answers(self, batch: Sequence[Outgoing]) -> list[Answer]:
        letters = [outgoing for outgoing in batch if isinstance(outgoing.content, Post)]
        printed = iter(self._print(letters) if letters else [])
        return [
            next(printed) if isinstance(outgoing.content, Post) else _no_letter(outgoing)
            for outgoing in batch
        ]

    def _print(self, batch: list[Outgoing]) -> list[Answer]:
        try:
            document, letters = typeset_all(
                [letter_of(outgoing.id, outgoing.content) for outgoing in batch], self._typeset
            )
        except TypesettingError:
            # Valid letters that fail, such as for a missing font, must not cost their addressees a PIN.
            return [Unreachable("post_typesetting")] * len(batch)
        handed = self._handed(document, letters, batch) if letters else None
        received = {letter.id for letter in letters}
        refused = Refused("post_typesetting", unasked=True)
        return [handed if handed and str(outgoing.id) in received else refused for outgoing in batch]

    def _handed(self, document: bytes, printed: list[Letter], batch: list[Outgoing]) -> Answer:
        # The latest letter's time, not the clock: a retry writes the same manifest.
        written_at = max(outgoing.created_at for outgoing in batch)
        try:
            ids = [letter.id for letter in printed]
            return Sent(hand_over(self._folder, document, ids, written_at, self._seal))
        except OSError as error:
            return Unreachable(f"post_{errno.errorcode.get(error.errno or 0, 'spool').lower()}")


def _no_letter(outgoing: Outgoing) -> Postponed:
    log.error("channel.fault", delivery_id=str(outgoing.id), error="TypeError")
    return Postponed("channel_fault", unasked=True)
