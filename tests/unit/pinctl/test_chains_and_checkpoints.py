"""Chains and checkpoints, on rows: what was tampered with shows."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import orjson
import pytest
from nacl.signing import SigningKey

from deploy.errors import PinctlError
from deploy.pinctl.audit import Audit
from deploy.pinctl.chains import AccountRow, EntryRow, HeadRow
from deploy.pinctl.checkpoints import (
    COSIGNED,
    EVENT,
    Checkpoint,
    Recount,
    Root,
    append,
    faults,
    read,
    recent,
)
from deploy.pinctl.settings import CheckpointSettings
from deploy.pinctl.witnesses import Witnesses, of_settings
from shared.crypto.generations import key_id
from shared.crypto.keys import Keys, make_cosigner, make_keys
from shared.ledger.chain import GENESIS, link

START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ANNA, BRUNO, CARLA = b"a" * 16, b"b" * 16, b"c" * 16
KEY = SigningKey(b"k" * 32)
Row = TypeVar("Row")


def chain(
    subject: bytes, length: int, *, data: str = "{}", older: int = 0, account: bytes | None = None
) -> list[EntryRow]:
    """Return a chain, of which so many entries are from before it was recorded who wrote them.

    `account` is on the last entry.
    """
    rows: list[EntryRow] = []
    for seq in range(1, length + 1):
        at, message_id = START + timedelta(minutes=seq), UUID(int=seq)
        vouching = "issuer" if seq > older else None, account if seq == length else None
        fields = (subject, seq, at, "pin.issued", message_id, "portal", "c1", data, *vouching)
        rows.append(EntryRow(*fields, link(rows[-1].hash if rows else GENESIS, *fields)))
    return rows


def head(rows: Sequence[EntryRow]) -> HeadRow:
    return HeadRow(rows[-1].subject, len(rows), rows[-1].hash)


async def stream(rows: Iterable[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


async def audited(
    entries: Iterable[EntryRow],
    heads: Iterable[HeadRow],
    instants: Iterable[datetime] = (),
    accounts: Iterable[AccountRow] = (),
) -> Audit:
    audit = Audit(Recount(instants))
    await audit.run(stream(entries), stream(heads), stream(accounts))
    return audit


async def breaks(
    entries: Iterable[EntryRow], heads: Iterable[HeadRow], accounts: Iterable[AccountRow] = ()
) -> list[tuple[bytes, str, int]]:
    return [(b.subject, b.kind, b.seq) for b in (await audited(entries, heads, (), accounts)).breaks]


async def made_at(at: datetime, entries: Iterable[EntryRow]) -> Checkpoint:
    return (await audited(entries, (), [at])).recount.checkpoints()[at]


async def test_whole_chains_have_no_break() -> None:
    anna, bruno = chain(ANNA, 3), chain(BRUNO, 1)
    audit = await audited([*anna, *bruno], [head(anna), head(bruno)])
    assert (audit.breaks, audit.subjects, audit.entries) == ([], 2, 4)


async def test_a_citizen_of_whom_nothing_is_recorded_yet_is_no_break() -> None:
    assert await breaks([], [HeadRow(ANNA, 0, GENESIS)]) == []


DIGEST, ANOTHER = b"d" * 32, b"o" * 32
ISSUED = AccountRow(ANNA, 1, "issued", 2, DIGEST)


async def test_an_account_that_its_chain_saw_last_is_no_break() -> None:
    anna = chain(ANNA, 2, account=DIGEST)
    audit = await audited(anna, [head(anna)], (), [ISSUED])
    assert (audit.breaks, audit.unvouched, audit.older) == ([], 0, 0)


async def test_an_account_that_is_not_what_its_chain_saw_shows() -> None:
    anna = chain(ANNA, 2, account=DIGEST)
    changed = ISSUED._replace(digest=ANOTHER)
    assert await breaks(anna, [head(anna)], [changed]) == [(ANNA, "account_changed", 2)]
    assert await breaks(anna, [head(anna)]) == [(ANNA, "account_missing", 2)]


async def test_an_account_that_no_entry_vouches_for_shows_unless_it_is_older_than_digests_are() -> None:
    anna = chain(ANNA, 2)
    assert await breaks(anna, [head(anna)], [ISSUED]) == [(ANNA, "account_unknown", 0)]
    assert await breaks([], [], [ISSUED]) == [(ANNA, "head_missing", 0)]
    before = chain(ANNA, 2, older=2)
    audit = await audited(before, [head(before)], (), [ISSUED._replace(schema=1)])
    assert (audit.breaks, audit.unvouched, audit.older) == ([], 1, 1)


async def test_a_guess_at_a_citizen_without_a_pin_needs_no_entry() -> None:
    guessed = ISSUED._replace(status="none")
    assert await breaks([], [HeadRow(ANNA, 0, GENESIS)], [guessed]) == []
    refused = chain(ANNA, 1)
    assert await breaks(refused, [head(refused)], [guessed]) == []


async def test_a_chain_that_two_releases_wrote_is_whole_but_only_in_that_order() -> None:
    anna = chain(ANNA, 4, older=2)
    assert await breaks(anna, [head(anna)]) == []
    unsigned = anna[3]._replace(writer=None)
    tampered = [*anna[:3], unsigned._replace(hash=link(anna[2].hash, *unsigned[:-1]))]
    assert await breaks(tampered, [head(tampered)]) == [(ANNA, "entry_unsigned", 4)]


ORIGINAL = chain(ANNA, 3)[1]
CHANGES = {
    "at": ORIGINAL._replace(at=START),
    "kind": ORIGINAL._replace(kind="pin.revoked"),
    "message id": ORIGINAL._replace(message_id=None),
    "actor": ORIGINAL._replace(actor="operator"),
    "correlation id": ORIGINAL._replace(correlation_id="c2"),
    "data": ORIGINAL._replace(data='{"level": "dispositivo"}'),
    "writer": ORIGINAL._replace(writer="notifier"),
}


@pytest.mark.parametrize("field", CHANGES)
async def test_any_changed_field_shows_at_its_entry(field: str) -> None:
    anna = chain(ANNA, 3)
    tampered = [anna[0], CHANGES[field], anna[2]]
    assert await breaks(tampered, [head(anna)]) == [(ANNA, "entry_changed", 2)]


async def test_a_changed_digest_shows_at_its_entry() -> None:
    anna = chain(ANNA, 2, account=DIGEST)
    tampered = [anna[0], anna[1]._replace(account=ANOTHER)]
    found = await breaks(tampered, [head(anna)], [ISSUED._replace(digest=ANOTHER)])
    assert found == [(ANNA, "entry_changed", 2)]


async def test_a_changed_hash_shows_at_its_entry_and_at_the_next() -> None:
    anna = chain(ANNA, 3)
    tampered = [anna[0], anna[1]._replace(hash=b"h" * 32), anna[2]]
    assert await breaks(tampered, [head(anna)]) == [(ANNA, "entry_changed", 2), (ANNA, "entry_changed", 3)]


async def test_entries_cut_out_of_the_middle_show() -> None:
    anna = chain(ANNA, 5)
    assert await breaks([anna[0], anna[3], anna[4]], [head(anna)]) == [(ANNA, "entries_missing", 2)]


async def test_a_cut_tail_shows_against_the_head() -> None:
    anna = chain(ANNA, 3)
    assert await breaks(anna[:2], [head(anna)]) == [(ANNA, "tail_missing", 3)]


async def test_a_citizen_without_any_of_the_entries_counted_shows() -> None:
    anna, bruno, carla = chain(ANNA, 2), chain(BRUNO, 2), chain(CARLA, 2)
    found = await breaks([*anna, *carla], [head(anna), head(bruno), head(carla)])
    assert found == [(BRUNO, "tail_missing", 1)]
    assert await breaks(anna, [head(anna), head(bruno), head(carla)]) == [
        (BRUNO, "tail_missing", 1),
        (CARLA, "tail_missing", 1),
    ]


async def test_a_head_set_back_shows() -> None:
    anna = chain(ANNA, 3)
    assert await breaks(anna, [head(anna[:2])]) == [(ANNA, "head_behind", 3)]


async def test_a_removed_head_shows_and_its_neighbours_stay_whole() -> None:
    anna, bruno, carla = chain(ANNA, 2), chain(BRUNO, 2), chain(CARLA, 1)
    found = await breaks([*anna, *bruno, *carla], [head(anna), head(carla)])
    assert found == [(BRUNO, "head_missing", 2)]


async def test_a_changed_head_shows() -> None:
    anna = chain(ANNA, 2)
    assert await breaks(anna, [HeadRow(ANNA, 2, GENESIS)]) == [(ANNA, "head_changed", 2)]


def test_the_root_is_the_hash_of_the_heads_in_key_order() -> None:
    root = Root()
    root.add(ANNA, 2, b"x" * 32)
    root.add(BRUNO, 1, b"y" * 32)
    text = ANNA + bytes([0, 0, 0, 0, 0, 0, 0, 2]) + b"x" * 32 + BRUNO + bytes(7) + b"\1" + b"y" * 32
    assert root.at(START) == Checkpoint(START, 2, 3, hashlib.sha256(text).hexdigest())


async def test_a_checkpoint_comes_out_the_same_when_the_ledger_has_grown() -> None:
    anna, bruno = chain(ANNA, 4), chain(BRUNO, 2)
    early = await made_at(START + timedelta(minutes=1), [anna[0], bruno[0]])
    later = await made_at(START + timedelta(minutes=3), [*anna[:3], *bruno])
    carla = [row._replace(at=row.at + timedelta(hours=1)) for row in chain(CARLA, 1)]
    grown = (await audited([*anna, *bruno, *carla], (), [later.at, early.at])).recount.checkpoints()
    assert (grown[early.at], grown[later.at]) == (early, later)
    assert (early.subjects, early.entries, later.subjects, later.entries) == (2, 2, 2, 5)


async def test_a_head_is_the_highest_entry_even_where_two_clocks_disagree() -> None:
    anna = chain(ANNA, 3)
    anna[1] = anna[1]._replace(at=START + timedelta(minutes=9))
    assert (await made_at(START + timedelta(minutes=3), anna)).entries == 3


async def test_a_chain_rewritten_whole_shows_only_against_a_checkpoint() -> None:
    anna, forged = chain(ANNA, 2), chain(ANNA, 2, data='{"level":"dispositivo"}')
    kept = (await made_at(START + timedelta(hours=1), anna)).signed(KEY)
    assert await breaks(forged, [head(forged)]) == []
    today = await made_at(kept.at, forged)
    assert faults(kept, today, [KEY.verify_key]) == ["entries that it covers were changed or replaced"]


async def test_a_citizen_removed_without_a_trace_shows_against_a_checkpoint() -> None:
    anna, bruno = chain(ANNA, 2), chain(BRUNO, 3)
    kept = (await made_at(START + timedelta(hours=1), [*anna, *bruno])).signed(KEY)
    (fault,) = faults(kept, await made_at(kept.at, anna), [KEY.verify_key])
    assert fault == "it counted 5 entries of 2 citizens; of that time there are 2 of 1"


async def test_a_checkpoint_that_nobody_of_ours_signed_is_refused() -> None:
    made = await made_at(START + timedelta(hours=1), chain(ANNA, 2))
    assert faults(made.signed(KEY), made, [KEY.verify_key]) == []
    forger = SigningKey(b"f" * 32)
    for forged in (made, made.signed(forger), replace(made.signed(KEY), entries=1)):
        assert "the signature is not ours" in faults(forged, made, [KEY.verify_key])


async def test_a_checkpoint_names_its_key_and_holds_after_the_key_has_changed() -> None:
    """Those in the logs were signed with the earlier key, and lines of earlier releases name none."""
    made, later = await made_at(START + timedelta(hours=1), chain(ANNA, 2)), SigningKey(b"l" * 32)
    kept = made.signed(KEY)
    assert kept.key == key_id(bytes(KEY.verify_key))
    ours = [later.verify_key, KEY.verify_key]
    assert [faults(one, made, ours) for one in (kept, made.signed(later), replace(kept, key=""))] == [[]] * 3
    assert faults(kept, made, [later.verify_key]) == ["the signature is not ours"]


async def test_checkpoints_are_found_among_the_other_lines_of_a_log() -> None:
    kept = (await made_at(START + timedelta(hours=1), chain(ANNA, 2))).signed(KEY)
    line = orjson.dumps({"event": EVENT, "level": "info", **kept.fields()}).decode()
    assert read(["rubbish", '{"event": "worker.ready"}', "[1]", line]) == [kept]


def test_a_checkpoint_that_lacks_a_field_is_an_error() -> None:
    with pytest.raises(ValueError, match="a checkpoint without 'at'"):
        read([f'{{"event": "{EVENT}"}}'])


COSIGNER = SigningKey(b"w" * 32)


async def test_a_second_witness_signs_what_the_first_one_signed_and_nothing_else() -> None:
    kept = (await made_at(START + timedelta(hours=1), chain(ANNA, 2))).signed(KEY)
    witnessed = kept.cosigned(COSIGNER)
    assert read([witnessed.line().decode()], COSIGNED) == [witnessed]
    assert read([witnessed.line().decode()]) == []
    today = {kept.at: kept}
    both = Witnesses([kept], [witnessed], [KEY.verify_key], [COSIGNER.verify_key])
    assert [said for _, said in both.compared(today)] == [[], []]
    for forged in (kept.cosigned(KEY), replace(kept.signed(COSIGNER), cosignature=witnessed.cosignature)):
        (_, said) = replace(both, cosigned=[forged]).compared(today)[1]
        assert "the second signature is not the witness's" in said


def test_of_the_months_before_the_window_the_last_checkpoint_is_compared() -> None:
    made = [Checkpoint(START - timedelta(days=days), 1, 1, "") for days in range(90)]
    kept = [one.at for one in recent(made, START - timedelta(days=8))]
    assert kept[-9:] == [START - timedelta(days=days) for days in range(8, -1, -1)]
    assert [(at.month, at.day) for at in kept[:-9]] == [(8, 31), (9, 30), (10, 31), (11, 13)]


def log(path: Path, *checkpoints: Checkpoint) -> Path:
    for one in checkpoints:
        append(path, one)
    return path


def test_what_is_compared_by_itself_must_be_of_today(tmp_path: Path) -> None:
    make_keys(tmp_path)
    make_cosigner(tmp_path)
    keys, now = Keys(tmp_path), START + timedelta(days=2)
    old, new = (
        Checkpoint(at, 1, 1, "").signed(keys.signing()) for at in (START, now - timedelta(minutes=70))
    )
    own = keys.signing("cosigner")
    settings = CheckpointSettings(checkpoint_log=log(tmp_path / "log", old))
    assert "nothing witnesses what came after" in str(of_settings(settings, keys, now).missing)
    log(tmp_path / "log", new)
    assert of_settings(settings, keys, now).missing == []
    demanding = CheckpointSettings(
        checkpoint_log=tmp_path / "log", cosigned_log=None, cosigned_within=timedelta(hours=3)
    )
    assert of_settings(demanding, keys, now).missing == ["There is no cosigned checkpoint."]
    witnessed = demanding.model_copy(update={"cosigned_log": log(tmp_path / "cosigned", old.cosigned(own))})
    assert "cosigned checkpoint" in str(of_settings(witnessed, keys, now).missing)
    log(tmp_path / "cosigned", new.cosigned(own))
    found = of_settings(witnessed, keys, now)
    assert (found.missing, len(found.cosigned)) == ([], 2)
    with pytest.raises(PinctlError, match="demands a witness"):
        of_settings(demanding.model_copy(update={"checkpoint_log": None}), keys, now)
