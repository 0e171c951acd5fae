"""Pages of documents as pictures, and the codes on them: asked of a process that can do nothing else."""

import asyncio
import json
import sys
from pathlib import Path

import structlog

from deploy.web.errors import UndrawableError

_PROGRAM = Path(__file__).with_name("draw.py")
_LONGEST = 60.0
"""Seconds for one picture, on a machine that is busy."""
_AT_ONCE = 2


class Renderer:
    """Draws documents, two at a time."""

    def __init__(self) -> None:
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def pages(self, data: bytes, media_type: str) -> int:
        """Return how many pages a document has, as far as they are shown.

        Raises:
            UndrawableError: it cannot be drawn.
        """
        return int(await self._ask("count", data, media_type))

    async def page(self, data: bytes, media_type: str, number: int) -> bytes:
        """Return a page (1 is the first) as JPEG.

        Raises:
            UndrawableError: it cannot be drawn, or has no such page.
        """
        return await self._ask("page", data, media_type, number)

    async def codes(self, data: bytes, media_type: str) -> list[str]:
        """Return the texts of the Data Matrix codes on a document's pages.

        Raises:
            UndrawableError: it cannot be drawn.
        """
        found: list[str] = json.loads(await self._ask("codes", data, media_type))
        return found

    async def as_pdf(self, tiff: bytes) -> bytes:
        """Return a TIFF, as fax servers write them, as PDF.

        Raises:
            UndrawableError: it is none.
        """
        return await self._ask("pdf", tiff, "image/tiff")

    async def _ask(self, what: str, data: bytes, media_type: str, number: int = 0) -> bytes:
        async with self._at_once:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(_PROGRAM), what, media_type, str(number),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # it might quote the document
                env={},
            )  # fmt: skip
            try:
                async with asyncio.timeout(_LONGEST):
                    answer, _ = await process.communicate(data)
            except TimeoutError:
                raise UndrawableError from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode:
            structlog.get_logger().warning("document.not_drawn", what=what, status=process.returncode)
            raise UndrawableError
        return answer
