# ruff: noqa: ASYNC240 - a test may read a file
"""Letters in the spool: sealed to the print provider, and gone in the end."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey
from structlog.testing import capture_logs

from deploy.local.processes import CHECKOUT
from services.notifier import __main__ as notifier
from services.notifier.channels import open_channel, spool
from services.notifier.channels.letter_seal import CHUNK, LetterSeal
from services.notifier.channels.post import PostChannel
from services.notifier.channels.spool import hand_over
from services.notifier.channels.spool_upkeep import SpoolUpkeep, sweep
from services.notifier.settings import NotifierSettings
from shared.contract.channels import CHANNELS
from shared.crypto.keys import Keys, make_keys
from shared.crypto.secret import Secret
from shared.domain.policy import PinPolicy
from shared.errors import SettingsError
from shared.ledger import Ledger
from shared.worker.settings import WorkerSettings

EXAMPLE = CHECKOUT / "docs/examples/open_letters.py"
KEY = PrivateKey(hashlib.sha256(b"printer").digest())
PUBLIC = base64.b64encode(bytes(KEY.public_key)).decode()
SEAL = LetterSeal(bytes(KEY.public_key))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTERS = ["5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e"]
DOCUMENT = b"%PDF-1.7 Mario Rossi ABCD2345"
DAY = 86400.0


def example() -> Any:  # noqa: ANN401 - the module of the example
    names: dict[str, Any] = {"__name__": "open_letters"}
    exec(EXAMPLE.read_text(encoding="utf-8"), names)  # noqa: S102 - a print provider runs it as it is
    return names


OPENED = example()["opened"]


@given(
    st.one_of(st.binary(max_size=50), st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]).map(bytes))
)
def test_the_provider_opens_what_was_sealed_to_it(document: bytes) -> None:
    sealed = SEAL.seal(document)
    assert OPENED(sealed, KEY) == document
    assert sealed != SEAL.seal(document)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + b"\0",
        lambda sealed: sealed[: 14 + 80 + 24 + CHUNK + 17],
        lambda sealed: sealed[: 14 + 80 + 24],
        lambda sealed: sealed[:-5] + b"xxxxx",
        lambda sealed: sealed[:14] + SEAL.seal(b"another")[14 : 14 + 80] + sealed[14 + 80 :],
        lambda sealed: sealed[1:],
    ],
    ids=["cut", "longer", "last chunk missing", "all chunks missing", "changed", "another key", "no seal"],
)
def test_what_was_changed_or_cut_does_not_open(tamper: Any) -> None:  # noqa: ANN401 - a function
    with pytest.raises((ValueError, RuntimeError, CryptoError)):
        OPENED(tamper(SEAL.seal(bytes(CHUNK + 100))), KEY)


def test_nobody_else_opens_it() -> None:
    with pytest.raises(CryptoError):
        OPENED(SEAL.seal(DOCUMENT), PrivateKey.generate())


def test_a_sealed_letter_shows_neither_name_nor_half_and_its_manifest_checks_it(tmp_path: Path) -> None:
    name = hand_over(tmp_path, DOCUMENT, LETTERS, NOON, SEAL)
    document, manifest = tmp_path / name, json.loads(next(tmp_path.glob("*.json")).read_bytes())
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".sealed"]
    assert not [path for path in tmp_path.iterdir() if b"Rossi" in path.read_bytes()]
    assert not [path for path in tmp_path.iterdir() if b"ABCD2345" in path.read_bytes()]
    assert manifest == {
        "document": document.name,
        "sha256": hashlib.sha256(document.read_bytes()).hexdigest(),
        "pages": 1,
        "created_at": "2026-03-01T12:00:00+00:00",
        "letters": [{"id": LETTERS[0], "page": 1}],
        "sealed_to": SEAL.fingerprint,
    }


def test_a_repeat_leaves_a_sealed_letter_as_it_is(tmp_path: Path) -> None:
    hand_over(tmp_path, DOCUMENT, LETTERS, NOON, SEAL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    hand_over(tmp_path, DOCUMENT, LETTERS, NOON, SEAL)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("lacks", ["manifest", "document", "another key"])
def test_a_repeat_completes_what_a_kill_or_a_change_of_the_key_left(tmp_path: Path, lacks: str) -> None:
    other = LetterSeal(bytes(PrivateKey.generate().public_key))
    name = hand_over(tmp_path, DOCUMENT, LETTERS, NOON, other if lacks == "another key" else SEAL)
    if lacks == "manifest":
        next(tmp_path.glob("*.json")).unlink()
    if lacks == "document":
        (tmp_path / name).write_bytes(b"half of it")
    hand_over(tmp_path, DOCUMENT, LETTERS, NOON, SEAL)
    assert OPENED((tmp_path / name).read_bytes(), KEY) == DOCUMENT


@pytest.mark.parametrize(("first", "then"), [(None, SEAL), (SEAL, None)])
def test_a_repeat_after_the_setting_changed_leaves_one_document(
    tmp_path: Path, first: LetterSeal | None, then: LetterSeal | None
) -> None:
    hand_over(tmp_path, DOCUMENT, LETTERS, NOON, first)
    name = hand_over(tmp_path, DOCUMENT, LETTERS, NOON, then)
    assert {path.name for path in tmp_path.iterdir()} == {name, f"{name.partition('.')[0]}.json"}


def test_the_example_makes_a_key_and_opens_a_spool(tmp_path: Path) -> None:
    folder, out = tmp_path / "spool", tmp_path / "out"
    folder.mkdir()
    out.mkdir()

    def run(*words: str) -> "subprocess.CompletedProcess[bytes]":
        argv = [sys.executable, str(EXAMPLE), *words]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False)

    assert run("make", "printer").returncode == 0
    assert run("make", "printer").returncode != 0, "a key is never replaced"
    assert (tmp_path / "printer.key").stat().st_mode & 0o777 == 0o600
    settings = NotifierSettings.load(
        {"PIN_POST_SEAL_KEY_FILE": str(tmp_path / "printer.pub"), "PIN_POST_SPOOL": str(folder)}
    )
    channel = open_channel("post", settings)
    assert isinstance(channel, PostChannel)
    assert channel._seal is not None
    hand_over(folder, DOCUMENT, LETTERS, NOON, channel._seal)
    hand_over(folder, b"%PDF from before", ["another"], NOON)
    assert run("open", "printer.key", "spool", "out").returncode == 0
    assert sorted(path.read_bytes() for path in out.iterdir()) == sorted([DOCUMENT, b"%PDF from before"])


@pytest.mark.parametrize("value", ["printer.pub", "AAAA", PUBLIC[:-2]])
def test_what_is_no_key_is_refused_at_start(value: str) -> None:
    with pytest.raises(SettingsError, match=r"PIN_POST_SEAL_KEY: .*X25519 public key"):
        NotifierSettings.load({"PIN_POST_SEAL_KEY": value})


# The end of a letter


def aged(path: Path, days: float, now: float) -> None:
    os.utime(path, (now - days * DAY,) * 2)


def test_letters_that_nobody_fetched_are_deleted_after_their_period_and_others_stay(tmp_path: Path) -> None:
    now = NOON.timestamp()
    ages = {"old": 91, "late": 89, "fresh": 0.1}
    for letter in ages:
        hand_over(tmp_path, DOCUMENT, [letter], NOON, SEAL if letter == "late" else None)
    stems = {letter: hashlib.sha256(letter.encode()).hexdigest()[:12] for letter in ages}
    for letter, stem in stems.items():
        for path in tmp_path.glob(f"{stem}.*"):
            aged(path, ages[letter], now)
    for name in ("README.txt", "0123456789ab.zip", "notours.pdf"):
        (tmp_path / name).touch()
        aged(tmp_path / name, 1000, now)
    told: list[str] = []
    swept = sweep(tmp_path, timedelta(days=90), now, told.append)
    assert (swept.forgotten, swept.waiting, round(swept.oldest / DAY)) == (1, 1, 89)
    assert told == [stems["old"]]
    left = {path.name.partition(".")[0] for path in tmp_path.iterdir()}
    assert left == {stems["late"], stems["fresh"], "README", "0123456789ab", "notours"}
    assert sweep(tmp_path, timedelta(0), now + 1000 * DAY, told.append).forgotten == 0


def test_a_document_whose_manifest_was_written_again_stays(tmp_path: Path) -> None:
    now = NOON.timestamp()
    name = hand_over(tmp_path, DOCUMENT, LETTERS, NOON)
    aged(tmp_path / name, 91, now)
    aged(next(tmp_path.glob("*.json")), 1, now)
    assert sweep(tmp_path, timedelta(days=90), now, list[str]().append).forgotten == 0


def test_a_kill_between_manifest_and_document_leaves_nothing_to_print_and_the_next_look_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOON.timestamp()
    hand_over(tmp_path, DOCUMENT, LETTERS, NOON)
    for path in tmp_path.iterdir():
        aged(path, 91, now)
    unlink = Path.unlink

    def killed(path: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - as in Path
        if path.suffix != ".json":
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", killed)
    told: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path, timedelta(days=90), now, told.append)
    assert len(told) == 1, "told before it went"
    monkeypatch.undo()
    assert [path.suffix for path in tmp_path.iterdir()] == [".pdf"]
    sweep(tmp_path, timedelta(days=90), now, told.append)
    assert not list(tmp_path.iterdir())


def test_what_a_kill_left_half_written_is_deleted_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from datetime import datetime, UTC;"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL);"
        "from services.notifier.channels.spool import hand_over;"
        "hand_over(Path(sys.argv[1]), b'%PDF Mario Rossi', ['a'], datetime.now(UTC))"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(argv, cwd=CHECKOUT, check=False).returncode == -9
    [part] = tmp_path.iterdir()
    assert part.suffix == spool.UNFINISHED
    now = part.stat().st_mtime
    assert sweep(tmp_path, timedelta(days=90), now + 60, print).unfinished == 0
    assert sweep(tmp_path, timedelta(days=90), now + 3600, print).unfinished == 1
    assert not list(tmp_path.iterdir())


async def test_the_spool_is_swept_at_start_and_then_from_time_to_time(tmp_path: Path) -> None:
    now = datetime.now(UTC).timestamp()
    (tmp_path / ".x.part").touch()
    aged(tmp_path / ".x.part", 1, now)
    name = hand_over(tmp_path, DOCUMENT, LETTERS, NOON)
    aged(tmp_path / name, 91, now)
    aged(next(tmp_path.glob("*.json")), 91, now)
    clock = 0.0
    with capture_logs() as logged:
        upkeep = SpoolUpkeep(tmp_path, timedelta(days=90), structlog.get_logger(), lambda: clock)
        ledger = cast("Ledger", None)
        assert await upkeep.step(ledger) == 600
        assert not list(tmp_path.iterdir())
        clock = 200.0
        assert await upkeep.step(ledger) == 400
        clock = 700.0
        tmp_path.rmdir()
        assert await upkeep.step(ledger) == 600
    assert [line["event"] for line in logged] == ["letters.forgotten", "spool.swept", "spool.unswept"]
    assert logged[0]["document"] == name.partition(".")[0]


def test_letters_are_not_deleted_before_their_pin_has_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_keys(tmp_path)
    settings = WorkerSettings(amqp_url=Secret(""), ledger_dsn=Secret(""), keys_dir=tmp_path)
    post = next(channel for channel in CHANNELS if channel.spool)
    monkeypatch.setenv("PIN_SPOOL_RETENTION", "P50D")
    with pytest.raises(SettingsError, match="PIN_SPOOL_RETENTION"):
        notifier.channel_lane(post, settings, PinPolicy(), Keys(tmp_path))
    monkeypatch.setenv("PIN_SPOOL_RETENTION", "PT0S")
    assert notifier.channel_lane(post, settings, PinPolicy(), Keys(tmp_path)).upkeep is not None
