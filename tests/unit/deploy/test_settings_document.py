"""Every setting is on its page, and says what it is."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from deploy.local.workers import WORKERS
from deploy.settings_document import DOCUMENT, SECTIONS, main, staleness
from services.settings import GROUPS
from shared.config.field_docs import field_doc
from shared.config.settings import Settings


def groups_of(kind: type[Settings]) -> Iterator[type[Settings]]:
    for group in kind.__subclasses__():
        if group.__module__.startswith(("shared.", "services.", "deploy.")):
            yield group
            yield from groups_of(group)


def test_the_committed_page_is_what_the_settings_say() -> None:
    assert staleness(DOCUMENT.read_text(encoding="utf-8")) == ""


def test_a_page_that_was_written_passes_the_check_until_it_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "settings.md"
    assert main([str(path), "--check"]) == 1
    assert main([str(path)]) == 0
    assert main([str(path), "--check"]) == 0
    path.write_text(path.read_text(encoding="utf-8").replace("| `200` |", "| `300` |"), encoding="utf-8")
    assert main([str(path), "--check"]) == 1
    assert "run python -m deploy.settings_document" in capsys.readouterr().err


def test_every_group_of_settings_is_on_the_page() -> None:
    for worker in WORKERS.values():
        import_module(f"{worker.module}.__main__")
    on_page = {group for section in SECTIONS for group in section.groups}
    # A group that others extend is on the page with them, or before them.
    assert {group for group in groups_of(Settings) if not group.__subclasses__()} <= on_page
    assert set(GROUPS) <= on_page


def test_every_setting_says_what_it_is() -> None:
    silent = [
        f"{group.__name__}.{name}"
        for group in groups_of(Settings)
        for name in group.model_fields
        if not field_doc(group, name)
    ]
    assert silent == []
