"""The profile given retroactively, from a file (R9)."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.dispositivo.backfill import Report, lines_of_report
from services.dispositivo.backfill_csv import FaultyLine, Recognised, lines_of
from services.dispositivo.backfill_rule import give
from shared.domain.account import LIVE, Account, Status
from shared.domain.decision import Decision
from tests.unit.decisions import CODICE_FISCALE, NOW, Event, account, moment
from tests.unit.decisions import told as mails
from tests.unit.dispositivo.flow import changed, code, ended, events, kinds, waiting

LINE = Recognised(2, CODICE_FISCALE, "de_visu", date(2010, 5, 4))


def given(citizen: Account) -> Decision:
    return give(citizen, LINE, moment())


@pytest.mark.parametrize("status", sorted(LIVE))
def test_a_live_pin_becomes_dispositivo(status: Status) -> None:
    """R9."""
    decision = given(account(status))
    assert code(decision) == "accepted"
    assert changed(decision).level == "dispositivo"
    assert changed(decision).status == status
    assert decision.events == (Event("dispositivo.activated", {"channel": "backfill"}),)
    assert mails(decision)[0].subject == "Il suo PIN è ora dispositivo"


def test_what_waited_is_released() -> None:
    """R9, R32."""
    decision = given(waiting())
    assert events(decision) == ["dispositivo.activated", "istanza.released", "istanza.released"]
    assert kinds(decision) == events(decision)


@pytest.mark.parametrize("status", ["none", "revoked", "expired"])
def test_without_a_live_pin_there_is_nothing_to_give_it_to(status: Status) -> None:
    """R9."""
    assert code(given(account(status))) == "no_live_pin"


def test_who_has_it_already_keeps_it() -> None:
    """R8, R9."""
    assert code(given(account(level="dispositivo"))) == "already_dispositivo"


def test_a_line_counts_once_even_for_a_later_pin() -> None:
    """R9: revoking ends the profile, and the old file does not bring it back."""
    first = changed(given(account()))
    assert code(given(first)) == "done_before"
    again = account("active", recognition=ended(first).recognition)
    assert code(given(again)) == "done_before"


def read_file(tmp_path: Path, text: str, encoding: str = "utf-8") -> list[Recognised | FaultyLine]:
    path = tmp_path / "recognitions.csv"
    path.write_text(text, encoding=encoding)
    return list(lines_of(path, NOW))


@pytest.mark.parametrize(
    "text",
    [
        "codice_fiscale,kind,date\nRSSMRA85T10A562S,de_visu,2010-05-04\n",
        "\nRSSMRA85T10A562S;de_visu;2010-05-04",
        '"codice_fiscale";"kind";"date"\r\n"rssmra 85t10 a562s" ; "de_visu" ; "2010-05-04"\r\n\r\n',
    ],
)
def test_the_usual_ways_to_write_a_file_are_read(tmp_path: Path, text: str) -> None:
    """R9."""
    assert read_file(tmp_path, text, "utf-8-sig") == [LINE]


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    """R9."""
    lines = read_file(
        tmp_path,
        "codice_fiscale,kind,date\n"
        "RSSMRA85T10A562X,by_phone,04/05/2010\n"
        "RSSMRA85T10A562S,de_visu\n"
        'RSSMRA85T10A562S,"de_visu,2010-05-04\n'
        "RSSMRA85T10A562S,signed_request,2099-01-01\n",
    )
    found = {line.line: [f.field for f in line.faults] for line in lines if isinstance(line, FaultyLine)}
    assert found == {2: ["codice_fiscale", "kind", "date"], 3: [""], 5: ["date"]}
    assert [line.line for line in lines if isinstance(line, Recognised)] == [4]


def test_today_in_italy_is_not_in_the_future(tmp_path: Path) -> None:
    """R9: in Italy the day begins before it does in UTC."""
    path = tmp_path / "recognitions.csv"
    path.write_text(f"{CODICE_FISCALE},de_visu,2026-11-23\n")
    evening = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert isinstance(next(lines_of(path, evening)), Recognised)


def test_the_report_names_lines_and_never_citizens(tmp_path: Path) -> None:
    """R9."""
    report = Report("backfill-1")
    report.faults = [
        line for line in read_file(tmp_path, "RSSMRA85T10A562X,x,y\n") if isinstance(line, FaultyLine)
    ]
    report.lines = report.outcomes["faulty"] = 1
    text = "\n".join(lines_of_report(report))
    assert "line 1: codice_fiscale: " in text
    assert "RSSMRA" not in text
    assert not report.clean
