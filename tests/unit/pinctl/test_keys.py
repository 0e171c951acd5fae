"""Keys are created once, and listed by fingerprint only."""

from pathlib import Path

from deploy.pinctl import keys
from shared.crypto.keys import BOXES, ED25519, SYMMETRIC


def test_a_second_init_makes_nothing_and_changes_nothing(tmp_path: Path) -> None:
    first = keys.init(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = keys.init(tmp_path)
    assert len(first.data["made"]) == len(BOXES) + len(ED25519) + len(SYMMETRIC)
    assert second.data["made"] == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_is_shown_holds_no_key(tmp_path: Path) -> None:
    keys.init(tmp_path)
    shown = keys.show(tmp_path)
    assert shown.status == 0
    assert len(shown.data["keys"]) == len(BOXES) + len(ED25519) + len(SYMMETRIC)
    assert not any(path.read_text().strip() in shown.text for path in tmp_path.iterdir())


def test_only_what_is_there_is_shown(tmp_path: Path) -> None:
    keys.init(tmp_path)
    for path in tmp_path.glob("*.key"):
        path.unlink()
    assert [(row["key"], row["files"]) for row in keys.show(tmp_path).data["keys"]] == [
        *((name, "pub") for name in BOXES),
        *((name, "pub") for name in ED25519),
    ]


def test_two_files_that_are_no_pair_are_told(tmp_path: Path) -> None:
    keys.init(tmp_path)
    (tmp_path / "sms.pub").write_bytes((tmp_path / "pec.pub").read_bytes())
    shown = keys.show(tmp_path)
    assert shown.status == 1
    assert {row["key"]: row["fault"] for row in shown.data["keys"]}["sms"] == "the two files are not a pair"
