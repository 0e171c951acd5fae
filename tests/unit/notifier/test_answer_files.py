"""Files of answers of the print shop: what is understood, and that nothing in them breaks the reader."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.shop import Told
from services.notifier.shop.answer_file import understand

LETTER = "019ac2f0-0000-7000-8000-000000000001"
TOLD = Told("20261127-LAZIO-1", UUID(LETTER), "returned", datetime(2026, 11, 28, 9, tzinfo=UTC))
LINE = f"20261127-LAZIO-1;{LETTER};returned;2026-11-28T10:00:00+01:00"
HEAD = "job;letter;state;at"


def told(text: str) -> tuple[Told, ...]:
    answers = understand(text.encode())
    assert answers
    assert answers.unreadable == ()
    return answers.told


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\n{LINE}",
        f"\ufeff{HEAD}\r\n{LINE}\r\n\r\n",
        f"{HEAD}\n{LINE}\n{LINE}\n",
        f"{HEAD};reason;ours\n{LINE};unknown at this address;1\n",
        f'{HEAD};reason\n{LINE};"moved; left no address"\n',
        f"{HEAD}\n{LINE}\n".replace(";", ","),
        f"{HEAD}\n{LINE}\n".upper().replace("+01:00", "+01:00"),
        f"at;state;letter;job\n2026-11-28T09:00:00Z;returned;{LETTER};20261127-LAZIO-1\n",
        f"{HEAD}\n{LINE}\n".replace("10:00:00+01:00", "09:00Z"),
        f"{HEAD}\n {LINE.replace(';', ' ; ')} \n",
    ],
)
def test_a_line_is_understood_however_spreadsheets_write_it(text: str) -> None:
    assert told(text) == (TOLD,)


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace("returned", "lost"),
        LINE.replace("returned", ""),
        LINE.replace("20261127-LAZIO-1", "../20261127"),
        LINE.replace("20261127-LAZIO-1", ""),
        LINE.replace(LETTER, LETTER[:-1]),
        LINE.replace(LETTER, LETTER.replace("-", "")),
        LINE.replace("+01:00", ""),  # whose time?
        LINE.replace("2026-11-28", "28/11/2026"),
        LINE.replace("2026-11-28", "2026-11-31"),
        LINE.replace("2026-11-28T10:00:00+01:00", "0001-01-01T00:00:00+23:59"),
        LINE + ";more",
        LINE.rpartition(";")[0],
        LINE + '"',
        f'"{LINE}',
        "x" * 2_000,
    ],
)
def test_another_line_is_told_by_its_number_and_the_rest_counts(line: str) -> None:
    answers = understand(f"{HEAD}\n{line}\n{LINE}\n".encode())
    assert answers
    assert answers.told == (TOLD,)
    assert answers.unreadable == (2,)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"job;letter;state\n", b"job;job;letter;state;at\n", b"\xff", b"[]", b'"']
)
def test_what_has_not_the_columns_is_no_file_of_answers(content: bytes) -> None:
    assert understand(content) is None


@given(st.one_of(st.binary(), st.text().map(lambda rest: f"{HEAD}\n{rest}".encode())))
def test_whatever_a_file_holds_is_answered_by_a_value(content: bytes) -> None:
    understand(content)
