"""Where the pages of a stack are, and who logs in there: for the terminal."""

from collections.abc import Iterator
from pathlib import Path

from deploy.local.console_people import log_ins

_PAGES = {
    "PORTAL": "the citizen's portal",
    "CONSOLE": "the operator's console",
    "MAILBOX": "the SMS, mails and letters that citizens got",
}


def directory(state: Path) -> Iterator[str]:
    """Yield a line for each page, and one for each person of the console; nothing of a stack without pages.

    Args:
        state: the stack's `.local`.
    """
    settings = dict(line.partition("=")[::2] for line in (state / "env").read_text().splitlines())
    shown = {name: url for name in _PAGES if (url := settings.get(f"PIN_WEB_{name}_URL"))}
    for name, url in shown.items():
        yield f"  {url}  {_PAGES[name]}"
    if "CONSOLE" in shown:
        yield from log_ins(state)
