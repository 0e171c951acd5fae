"""What can be seen of a page in a browser: what is cut, where the keyboard leads, which rules are broken."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.async_api import Page

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
"""Of axe-core: the Web Content Accessibility Guidelines 2.1, levels A and AA."""


@cache
def axe() -> str:
    """Return the script that knows the rules; a tab that has it from the start need not be given it again."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@cache
def _script(name: str) -> str:
    return Path(__file__).with_name(f"{name}.js").read_text(encoding="utf-8")


async def violations(page: Page) -> list[str]:
    """Return each broken rule with the elements that break it."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe())
    found: dict[str, Any] = await page.evaluate(
        "rules => axe.run({runOnly: rules, resultTypes: ['violations']})", _RULES
    )
    return [
        f"{broken['id']} ({broken['impact']}): {broken['help']}: "
        + "; ".join(f"{node['target']} {node['html'][:160]}" for node in broken["nodes"])
        for broken in found["violations"]
    ]


async def cut(page: Page, width: int) -> list[str]:
    """Return what is cut, or makes the page scroll sideways, at a width in pixels of CSS (WCAG 1.4.10)."""
    await page.set_viewport_size({"width": width, "height": 800})
    faults: list[str] = await page.evaluate(_script("cut"))
    return [f"{width}: {fault}" for fault in faults]


@dataclass(frozen=True)
class Stops:
    """Where Tab leads.

    Attributes:
        missed: what it never reaches.
        hidden: what does not show that it has the focus (WCAG 2.4.7).
        forced: what has a place of its own in the order (WCAG 2.4.3).
        order: the stops, each by its place among all that can be reached.
    """

    missed: list[str]
    hidden: list[str]
    order: list[int]
    forced: list[str]


async def stops(page: Page) -> Stops:
    """Press Tab through a whole page."""
    count: int = await page.evaluate(_script("watch"))
    for _ in range(count + 2):
        await page.keyboard.press("Tab")
    return Stops(**await page.evaluate(_script("reached")))
