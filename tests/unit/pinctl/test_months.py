"""What seals cover, and that a chain verified from a seal is the chain verified from its beginning."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from nacl.signing import SigningKey

from deploy.errors import PinctlError
from deploy.pinctl import archive
from deploy.pinctl.audit import Audit
from deploy.pinctl.chains import AccountRow, Chain, EntryRow, HeadRow, SealedHead
from deploy.pinctl.checkpoints import Checkpoint, Record, Recount, append
from deploy.pinctl.month_roots import Month, MonthRoots, MonthWitnesses
from deploy.pinctl.seals import Retirement, Seal, Sealed, SealLog, seal_log
from shared.ledger.chain import GENESIS, link

KEY = SigningKey(b"k" * 32)
SUBJECTS = (b"a" * 16, b"b" * 16, b"c" * 16)
STARTS = [datetime(2026, month, 1, tzinfo=UTC) for month in range(7, 12)]
NAMES = [f"{start:%Y-%m}" for start in STARTS[:-1]]
WRITTEN = {SUBJECTS[0]: (0, 0, 1, 3), SUBJECTS[1]: (1, 2, 2), SUBJECTS[2]: (0,)}
"""By citizen, the months in which something was written."""
Row = TypeVar("Row")


def months(*, left: int = 0) -> list[Month]:
    return [
        Month(name, date.fromisoformat(f"{name}-01"), until, closed=True, retired=i < left)
        for i, (name, until) in enumerate(zip(NAMES, STARTS[1:], strict=True))
    ]


def entries() -> list[EntryRow]:
    rows = []
    for subject, written in WRITTEN.items():
        head = GENESIS
        for seq, month in enumerate(written, 1):
            account = bytes([seq]) * 32 if seq == 1 else None
            what = ("pin.issued", UUID(int=seq), "portal", "c", "{}", "issuer", account)
            at = STARTS[month] + timedelta(days=seq)
            head = link(head, subject, seq, at, *what)
            rows.append(EntryRow(subject, seq, at, *what, head))
    return rows


HEADS = [
    HeadRow(subject, len(written), [row.hash for row in entries() if row.subject == subject][-1])
    for subject, written in WRITTEN.items()
]

ACCOUNTS = [AccountRow(subject, 1, "active", 2, bytes([1]) * 32) for subject in SUBJECTS]


async def stream(rows: Iterable[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


def bases(rows: Iterable[EntryRow], before: datetime) -> list[SealedHead]:
    """Return where chains go on after an instant."""
    found = []
    for subject in SUBJECTS:
        chain = Chain(subject)
        for row in rows:
            if row.subject == subject and row.at < before:
                assert list(chain.follow(row)) == []
        found += [head] if (head := chain.so_far()) else []
    return found


async def audited(rows: list[EntryRow], left: int, instants: Iterable[datetime] = ()) -> Audit:
    """Audit what is there when so many months have left."""
    base = STARTS[left]
    audit = Audit(Recount(instants), MonthRoots(months(left=left), NAMES))
    kept = rows if not left else [row for row in rows if row.at >= base]
    await audit.run(stream(kept), stream(HEADS), stream(ACCOUNTS), stream(bases(rows, base) if left else ()))
    return audit


@pytest.mark.parametrize("left", range(5))
async def test_what_is_left_says_of_every_later_month_what_the_whole_said(left: int) -> None:
    instants = [start - timedelta(microseconds=1) for start in STARTS[max(left, 1) :]]
    whole, rest = await audited(entries(), 0, instants), await audited(entries(), left, instants)
    assert (rest.broken, rest.subjects) == (0, 3)
    assert rest.recount.checkpoints() == whole.recount.checkpoints()
    found, expected = rest.roots.found(), whole.roots.found()
    for name in NAMES[left:]:
        assert found[name] == expected[name]
    if left:
        last = NAMES[left - 1]
        assert (found[last].heads, found[last].entries) == (expected[last].heads, expected[last].entries)
        assert len(found) == len(NAMES) - left + 1


@pytest.mark.parametrize("field", SealedHead._fields)
async def test_whatever_is_changed_of_where_a_chain_goes_on_changes_the_digest(field: str) -> None:
    (head, *_) = bases(entries(), STARTS[2])
    changed: dict[str, Any] = {
        "subject": b"z" * 16, "seq": 9, "hash": b"h" * 32, "account_seq": 2, "account": b"x" * 32,
        "older": True, "newer": False,
    }  # fmt: skip
    assert head._replace(**{field: changed[field]}).encoded() != head.encoded()
    assert len(head.encoded()) == len(head._replace(account_seq=None, account=None).encoded()) == 97


async def sealed(left: int = 0) -> tuple[Audit, list[Seal]]:
    audit = await audited(entries(), left)
    seals: list[Seal] = []
    for name in NAMES:
        whole = (await audited(entries(), 0)).roots.found()[name]
        seals.append(Seal(whole, seals[-1].id if seals else "").signed(KEY))
    return audit, seals


def let_go(seal: Seal) -> Retirement:
    return Retirement(seal.month, seal.id, "f" * 64, ("Ada", "Ugo"), STARTS[4]).signed(KEY)


async def test_sound_months_have_no_fault_whether_they_are_there_or_have_left() -> None:
    for left in range(5):
        audit, seals = await sealed(left)
        log = SealLog(tuple(seals), retired=tuple(map(let_go, seals[:left])), known=True)
        assert MonthWitnesses(log, [KEY.verify_key]).faults(audit.roots) == []


@pytest.mark.parametrize("field", [field.name for field in fields(Sealed)])
async def test_any_changed_field_of_a_seal_is_found(field: str) -> None:
    audit, seals = await sealed()
    value = getattr(seals[-1].sealed, field)
    other: Any = value + timedelta(days=1) if isinstance(value, datetime) else value * 2
    forged = replace(seals[-1], sealed=replace(seals[-1].sealed, **{field: other}))
    assert not forged.is_from([KEY.verify_key])
    witnesses = MonthWitnesses(SealLog((*seals[:-1], forged), known=True), [KEY.verify_key])
    assert witnesses.faults(audit.roots) != []


async def test_a_seal_or_a_leave_that_is_missing_or_anothers_is_found() -> None:
    audit, seals = await sealed(2)
    gone = tuple(map(let_go, seals[:2]))

    def said(log: SealLog, **more: Any) -> dict[str, str]:  # noqa: ANN401
        faults = MonthWitnesses(log, [KEY.verify_key], **more).faults(audit.roots)
        return {name: "; ".join(each) for name, each in faults}

    left = "it has left, and nobody has signed that it may"
    assert said(SealLog(tuple(seals), retired=gone[:1], known=True)) == {NAMES[1]: left}
    forged = replace(gone[1], by=("Eva", "Ugo"))
    assert said(SealLog(tuple(seals), retired=(gone[0], forged), known=True)) == {NAMES[1]: left}
    missing = said(SealLog((seals[0], *seals[2:]), retired=gone, known=True))
    assert missing[NAMES[1]] == "it has left without a seal"
    assert missing[NAMES[2]] == "its seal follows another than the one before it"
    assert "no log of seals" in said(SealLog())[NAMES[1]]
    demanding = said(SealLog(tuple(seals), retired=gone, known=True), demanded=True)
    assert demanding == {NAMES[1]: "it has left, and no second witness has signed its seal"}
    witness, other = SigningKey(b"w" * 32), SigningKey(b"o" * 32)
    for signer, faults in ((witness, {}), (other, {NAMES[1]: "the second witness signed another seal"})):
        cosigned = (seals[1].cosigned(signer),)
        log = SealLog(tuple(seals), cosigned, gone, known=True)
        assert said(log, cosigners=[witness.verify_key], demanded=True) == faults


async def test_what_is_written_to_a_log_is_read_from_it(tmp_path: Path) -> None:
    _, seals = await sealed()
    log = tmp_path / "log"
    records: list[Record] = [Checkpoint(STARTS[0], 1, 1, "").signed(KEY), *seals, let_go(seals[0]), seals[0]]
    for record in records:
        append(log, record)
    cosigned = [seals[0].cosigned(KEY)]
    found = seal_log(log.read_text().splitlines(), [cosigned[0].line().decode()])
    assert (list(found.seals), list(found.cosigned)) == (seals, cosigned)
    assert found.retired == (let_go(seals[0]),)
    with pytest.raises(ValueError, match="without 'month'"):
        seal_log(['{"event":"ledger.month_sealed"}'])


async def test_an_entry_out_of_the_order_of_months_is_found() -> None:
    rows = entries()
    at = STARTS[0] + timedelta(days=9)
    what = rows[3]._replace(at=at)
    rows[3] = what._replace(hash=link(rows[2].hash, *what[:-1]))
    audit = await audited(rows, 0)
    assert [one.kind for one in audit.breaks] == ["entry_misplaced", "head_changed"]


async def test_a_file_is_the_same_each_time_and_no_byte_of_it_can_be_changed(tmp_path: Path) -> None:
    _, seals = await sealed()
    heads = {head.subject: head.hash for head in bases(entries(), STARTS[1])}
    rows = [row for row in entries() if STARTS[1] <= row.at < STARTS[2]]
    before = [(*row, heads.get(row.subject)) for row in rows]
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one, two):
        await archive.write(path, seals[1], stream(before), [KEY.verify_key])
    assert one.read_bytes() == two.read_bytes()
    found = archive.verify(one, [KEY.verify_key])
    assert (found.seal, found.subjects) == (seals[1], 2)
    with pytest.raises(PinctlError, match="not ours"):
        archive.verify(one, [SigningKey(bytes(32)).verify_key])
    content = one.read_bytes()
    for place in range(10, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 1
        two.write_bytes(changed)
        with pytest.raises(PinctlError):
            archive.verify(two, [KEY.verify_key])
    with pytest.raises(PinctlError, match="not those that were sealed"):
        await archive.write(two, seals[1], stream(before[:1]), [KEY.verify_key])
