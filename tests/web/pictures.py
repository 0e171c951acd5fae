"""`python -m tests.web.pictures [--every FOLDER]`: pictures of the pages, from Chromium.

Without arguments it makes those of the README, in `docs/pages/`. With `--every` it makes one of every page in
every language, on a telephone and on a desktop, for somebody to look at.
"""

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page

from deploy.local.processes import CHECKOUT
from tests.web.kit.applications import KINDS, Application, application, served
from tests.web.kit.chromium import chromium, tab
from tests.web.kit.shelf import Shelf
from tests.web.kit.visitor import at
from tests.web.kit.walks import WALKS
from tests.web.kit.ways import Way

README = CHECKOUT / "docs/pages"
SHOWN = {
    ("portal", "home: figures 1, 2, 3 and 9", "it"): "home",
    ("portal", "home: figures 1, 2, 3 and 9", "de"): "home-de",
    ("portal", "request: the summary", "it"): "summary",
    ("portal", "revoke: figure 11", "it"): "revoke",
    ("portal", "first access: the new PIN", "it"): "new-pin",
    ("portal", "istanza: suspended", "it"): "istanza",
    ("console", "review: a request", "it"): "review",
    ("console", "branch: a person", "it"): "branch",
}
"""The pictures of the README: way and language, and the name of the file."""
WHOLE = frozenset({"revoke"})
"""Those whose end matters: the control code."""
WIDE, NARROW = 1280, 375


@asynccontextmanager
async def shown(
    browser: Browser, of: Application, way: Way, language: str, width: int
) -> AsyncIterator[Page]:
    """Yield a page in the browser."""
    of.workers.forget()
    shelf = Shelf(of.app)
    async with at(of, language=language) as visitor, served(shelf) as address:
        path = shelf.put(await way.to(visitor, of), visitor)
        async with tab(browser, address, language=language, width=width) as page:
            await page.goto(path)
            await page.evaluate("document.fonts.ready")
            yield page


async def every(folder: Path) -> None:
    """Take a picture of every page."""
    async with chromium() as browser:
        with tempfile.TemporaryDirectory() as kept:
            made = {kind: _application(kind, Path(kept)) for kind in KINDS}
            for way in WALKS:
                for language in (("it", "de") if way.kind == "portal" else ("it",)) if way.html else ():
                    for width in (WIDE, NARROW):
                        name = re.sub(r"\W+", "-", f"{way}-{language}-{width}").strip("-").lower()
                        async with shown(browser, made[way.kind], way, language, width) as page:
                            await page.screenshot(path=folder / f"{name}.png", full_page=True)


async def of_the_readme() -> None:
    """Take the pictures of the README."""
    async with chromium() as browser:
        with tempfile.TemporaryDirectory() as kept:
            made = {kind: _application(kind, Path(kept)) for kind in KINDS}
            for way in WALKS:
                for language in ("it", "de"):
                    if name := SHOWN.get((way.kind, way.name, language)):
                        async with shown(browser, made[way.kind], way, language, WIDE) as page:
                            await page.screenshot(path=README / f"{name}.png", full_page=name in WHOLE)


def _application(kind: str, kept: Path) -> Application:
    folder = kept / kind
    folder.mkdir()
    return application(kind, folder)


def main(argv: Sequence[str]) -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.web.pictures", description=__doc__)
    parser.add_argument("--every", type=Path, metavar="FOLDER", help="of every page, into this folder")
    folder = parser.parse_args(argv).every
    (folder or README).mkdir(parents=True, exist_ok=True)
    asyncio.run(every(folder) if folder else of_the_readme())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
