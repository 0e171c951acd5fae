"""Jobs for the print shop, without a server: which letters, name and digest; what an answer means."""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any, cast, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.processes import CHECKOUT
from services.notifier.channels.letter import Letter, typeset
from services.notifier.shop import LetterAnswer, Shop
from services.notifier.shop.fate import MOST_PRINTINGS, fate
from services.notifier.shop.handing import Handing
from services.notifier.shop.making import ClosedJob, KeptLetter, make
from services.notifier.shop.planning import WaitingLetter, job_digest, letter_digest, plan, region_of
from services.notifier.shop.settings import PrintJobSettings
from shared.contract.delivery import Sms
from shared.crypto.keys import Keys, make_keys
from shared.crypto.sealing import BundleOpener
from shared.crypto.secret import Secret
from shared.errors import JobNotMadeError, SettingsError, TypesettingError
from shared.italy.regions import REGIONS
from shared.ledger import Ledger
from tests.kit.print_shop import bundle, letter

DAY = date(2026, 11, 27)
LETTERS = st.lists(
    st.builds(WaitingLetter, st.uuids(), st.sampled_from(REGIONS), st.binary(min_size=32, max_size=32)),
    unique_by=lambda one: one.id,
)
MIGRATION = CHECKOUT / "shared/ledger/migrations/20261129000500_print_jobs.sql"


@given(LETTERS, st.integers(1, 5))
def test_every_letter_is_in_one_job_of_its_region_in_the_order_in_which_it_came(
    waiting: list[WaitingLetter], most: int
) -> None:
    jobs = plan(DAY, waiting, most)
    assert len({job.id for job in jobs}) == len(jobs)
    for region in REGIONS:
        there = [one for job in jobs if job.region == region for one in job.letters]
        assert there == [one.id for one in waiting if one.region == region]
    assert all(1 <= len(job.letters) <= most for job in jobs)
    assert jobs == plan(DAY, waiting, most)


@given(LETTERS.filter(bool), st.data())
def test_a_digest_tells_another_job_another_order_and_another_content(
    waiting: list[WaitingLetter], data: st.DataObject
) -> None:
    known = [(one.id, one.digest) for one in waiting]
    digest = job_digest("A-1", known)
    at = data.draw(st.integers(0, len(known) - 1))
    changed = [*known[:at], (known[at][0], bytes(31) + b"x"), *known[at + 1 :]]
    others = [job_digest("A-2", known), job_digest("A-1", known[1:]), job_digest("A-1", changed)]
    if len(known) > 1:
        others.append(job_digest("A-1", known[::-1]))
    assert digest not in others


def test_a_letters_digest_parts_key_and_seal() -> None:
    one = UUID(int=1)
    assert letter_digest(one, b"ab", b"c") != letter_digest(one, b"a", b"bc")


@given(st.lists(st.text()))
def test_any_address_has_a_region(address: list[str]) -> None:
    assert region_of(address) in REGIONS


def test_the_states_of_a_letter_are_those_that_postgres_allows() -> None:
    listed = MIGRATION.read_text().split("insert into lawful_letter")[1].split(";")[0]
    lawful = set()
    for pair in listed.split("(")[2:]:
        before, after = (word.strip(" '") for word in pair.split(")")[0].split(","))
        lawful.add((before, after))
    states = {state for pair in lawful for state in pair}
    for state in states:
        for told in get_args(LetterAnswer):
            for printings in range(1, MOST_PRINTINGS + 2):
                for kept in (True, False):
                    new = fate(state, printings, kept=kept, told=told)
                    assert new is None or (state, new.state) in lawful
                    assert new is None or new.state != "waiting" or (kept and printings < MOST_PRINTINGS)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder: Path = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return Keys(folder)


def kept(keys: Keys, contents: Sequence[object]) -> list[KeptLetter]:
    sent = bundle(keys, [(UUID(int=at), one) for at, one in enumerate(contents, 1)]).message
    key = base64.b64decode(sent.key)
    seals = [(one.id, base64.b64decode(one.seal)) for one in sent.deliveries]
    return [
        KeptLetter(id_, place, letter_digest(id_, key, seal), sent.key_id, key, seal)
        for place, (id_, seal) in enumerate(seals, 1)
    ]


def closed(letters: Sequence[KeptLetter]) -> ClosedJob:
    digest = job_digest("20261127-LAZIO-1", ((one.id, one.digest) for one in letters))
    return ClosedJob("20261127-LAZIO-1", DAY, "LAZIO", 1, digest)


def test_a_job_is_the_same_bytes_at_every_try(keys: Keys) -> None:
    letters = kept(keys, [letter(one) for one in range(5)])
    opener = BundleOpener(keys.private("post"))
    first = make(closed(letters), letters, opener, typeset, 2)
    assert first == make(closed(letters), letters, opener, typeset, 2)
    assert first.job
    assert [one.name[-7:] for one in first.job.documents] == ["001.pdf", "002.pdf", "003.pdf"]


def test_a_letter_without_content_leaves_the_others_where_they_were(keys: Keys) -> None:
    letters = kept(keys, [letter(one) for one in range(5)])
    job, opener = closed(letters), BundleOpener(keys.private("post"))
    erased = [replace(one, bundle_key=None, seal=None) if one.place in {1, 5} else one for one in letters]
    made = make(job, erased, opener, typeset, 2).job
    assert made
    assert json.loads(made.manifest)["letters"] == [
        {"id": str(UUID(int=2)), "document": "20261127-LAZIO-1-001.pdf", "page": 1},
        {"id": str(UUID(int=3)), "document": "20261127-LAZIO-1-002.pdf", "page": 1},
        {"id": str(UUID(int=4)), "document": "20261127-LAZIO-1-002.pdf", "page": 2},
    ]
    assert made.digest == job.digest.hex(), "the same letters were closed"
    nothing = [replace(one, bundle_key=None, seal=None) for one in letters]
    assert make(job, nothing, opener, typeset, 2).job is None


def test_a_job_is_not_made_of_other_letters_or_with_another_key(keys: Keys, tmp_path: Path) -> None:
    letters = kept(keys, [letter(1), letter(2)])
    opener = BundleOpener(keys.private("post"))
    make_keys(tmp_path)
    stranger = BundleOpener(Keys(tmp_path).private("post"))
    wrong = kept(keys, [Sms("+393331234567", Secret("x"))])
    seal = (letters[0].seal or b"") + b"x"
    for reason, job, given_, by in (
        ("not_as_closed", closed(letters), letters[::-1], opener),
        ("not_as_closed", closed(letters), letters[:1], opener),
        ("letter_changed", closed(letters), [replace(letters[0], seal=seal), letters[1]], opener),
        ("letter_unsealable", closed(letters), letters, stranger),
        ("letter_unreadable", closed(wrong), wrong, opener),
    ):
        with pytest.raises(JobNotMadeError, match=reason):
            make(job, given_, by, typeset, 500)


def test_what_cannot_be_typeset_is_named_and_the_others_are_printed(keys: Keys) -> None:
    letters = kept(keys, [letter(one) for one in range(4)])

    def picky(given_: Sequence[Letter]) -> bytes:
        if any(one.id == str(UUID(int=3)) for one in given_):
            raise ValueError("a glyph is missing")
        return typeset(given_)

    made = make(closed(letters), letters, BundleOpener(keys.private("post")), picky, 500)
    assert made.failed == (UUID(int=3),)
    assert made.job
    assert [one["page"] for one in json.loads(made.job.manifest)["letters"]] == [1, 2, 3]

    def broken(_: Sequence[Letter]) -> bytes:
        raise ValueError("no font")

    with pytest.raises(TypesettingError):
        make(closed(letters), letters, BundleOpener(keys.private("post")), broken, 500)


async def test_the_end_of_the_process_does_not_wait_for_the_whole_of_a_large_job(keys: Keys) -> None:
    """A process ends only with its threads."""
    letters = kept(keys, [letter(one) for one in range(20)])
    row = {
        name: getattr(closed(letters), name)
        for name in ("id", "day", "region", "sequence", "digest", "tries")
    }
    begun, typed = Event(), list[int]()

    def slow(given_: Sequence[Letter]) -> bytes:
        typed.append(len(given_))
        begun.set()
        time.sleep(0.1)
        return b"%PDF"

    class Rows:
        async def rows(self, query: str, *_: object) -> list[dict[str, Any]]:
            kept_ = [{name: getattr(one, name) for name in KeptLetter.__slots__} for one in letters]
            return [row] if query == "next_print_job" else [{**one, "delivery": one["id"]} for one in kept_]

    settings, opener = PrintJobSettings(post_document_pages=1), BundleOpener(keys.private("post"))
    handing = Handing(cast("Shop", None), opener, slow, settings, None)
    step = asyncio.create_task(handing.step(cast("Ledger", Rows())))
    await asyncio.to_thread(begun.wait, 5)
    step.cancel()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert 1 <= len(typed) <= 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUT_OFF", "25:00"),
        ("CUT_OFF", "15:00+01:00"),
        ("HOLIDAYS", "24/06"),
        ("HOLIDAYS", "06-24,13-01"),
        ("DAILY_CAP", "0"),
        ("JOB_LETTERS", "0"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"PIN_POST_{name}"):
        PrintJobSettings.load({f"PIN_POST_{name}": value})


def test_settings_are_read_as_they_are_written() -> None:
    read = PrintJobSettings.load({"PIN_POST_CUT_OFF": "14:30", "PIN_POST_HOLIDAYS": "06-24, 2026-12-07"})
    assert (read.post_cut_off.hour, read.post_cut_off.minute) == (14, 30)
    assert read.post_holidays == {"06-24", "2026-12-07"}
