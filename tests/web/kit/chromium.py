"""Chromium, as Debian packages it."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

_FLAGS = (
    "--no-sandbox",  # the tests run as root, in containers too
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-dev-shm-usage",
)
_LAUNCHED = 300_000
"""Milliseconds in which it has started, on a machine that has other things to do."""
PATIENCE = 60_000
"""Milliseconds for anything in a page."""


def executable() -> Path:
    """Return where it is; without it the calling test is skipped."""
    found = shutil.which("chromium")
    if not found:
        pytest.skip("no chromium: `deploy/bootstrap tests` installs it")
    return Path(found)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Yield a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable(),
            args=_FLAGS,
            timeout=_LAUNCHED,
            env={**os.environ, "LANGUAGE": "it"},  # in which its own fields for dates are
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def tab(
    browser: Browser,
    address: str,
    *,
    language: str = "it",
    scripts: bool = True,
    width: int = 1280,
) -> AsyncIterator[Page]:
    """Yield a page of a browser without history, at an address; what a script complains of fails the test.

    Args:
        browser: to open it in.
        address: where paths begin.
        language: that the browser prefers.
        scripts: whether JavaScript is on.
        width: in pixels of CSS.
    """
    context = await browser.new_context(
        base_url=address,
        locale={"it": "it-IT", "de": "de-DE"}[language],
        java_script_enabled=scripts,
        viewport={"width": width, "height": 800},
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    complaints = complaints_of(page)
    try:
        yield page
    finally:
        await context.close()
    assert not complaints, complaints


def complaints_of(page: Page) -> list[str]:
    """Return the list to which a tab's faults of scripts, and breaches of its pages' policy, are added."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if _is_ours(line.text) else None)
    return complaints


def _is_ours(text: str) -> bool:
    """Tell whether a line of the console is about the content security policy."""
    return "Content Security Policy" in text or "Content-Security-Policy" in text
