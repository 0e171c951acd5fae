"""The releases of the project, as docs/releases.md lists them."""

import re
from dataclasses import dataclass

from deploy.local.processes import CHECKOUT

_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (\d{4}-\d\d-\d\d) \| `([0-9a-f]{40})` \|$", re.MULTILINE)


@dataclass(frozen=True)
class Release:
    """One release, and the commit that it is."""

    version: str
    date: str
    commit: str


def releases() -> list[Release]:
    """Return every release on the page, the newest first."""
    page = (CHECKOUT / "docs/releases.md").read_text(encoding="utf-8")
    return [Release(*found) for found in _ROW.findall(page)]
