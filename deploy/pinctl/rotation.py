"""`pinctl keys rotate|promote|retire`: the three steps in which a key changes under load.

First every process gets the new key to read with, then to write with, and at last the earlier one goes. Each
step replaces one file (or a pair); between them its processes are restarted. `generations.py` has the form of
a file.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from deploy.errors import PinctlError
from deploy.pinctl.answer import ATTENTION, Answer
from shared.contract.channels import CHANNELS
from shared.crypto.generations import Generations, key_id
from shared.crypto.keyrings import RINGS, ring_of
from shared.crypto.keys import BOXES, CHECKPOINT, COSIGNER, SIGNING, SYMMETRIC, Keys, public_half

SUBJECT = "subject"
NAMES = (*(name for name in SYMMETRIC if name != SUBJECT), *BOXES, *SIGNING)
"""The keys that can be changed. What `subject` names cannot be named anew: docs/operations.md."""
_OTHERS = {
    f"{CHECKPOINT}.key": "whoever signs checkpoints",
    f"{CHECKPOINT}.pub": "whoever verifies checkpoints",
    f"{COSIGNER}.key": "the second witness",
    f"{COSIGNER}.pub": "whoever verifies checkpoints",
}
_PORTALS_SEAL = "every portal: it has to seal with it"
_PORTALS_VERIFY = "every portal: it has to verify with each key that is in it"
OF_CHANNELS = frozenset(channel.key for channel in CHANNELS)


def rotate(folder: Path, name: str) -> Answer:
    """Add the next key to a file, to be read with.

    Raises:
        PinctlError: there is a next one already.
        KeyFileError: the file is missing or invalid.
    """
    keys, new = Keys(folder), os.urandom(32)
    before = keys.generations(f"{name}.key")
    if before.coming is not None:
        raise PinctlError(f"{name}.key has a next key already: `pinctl keys promote {name}`, once it is read")
    if name in SIGNING:
        ours = keys.generations(f"{name}.pub")
        _replace(folder / f"{name}.pub", Generations(ours.current, public_half(name, new), ours.previous))
    _replace(folder / f"{name}.key", before.with_next(new))
    what = holder(name)
    return _told(
        f"{name}: the next key is {key_id(public_half(name, new))}. It is only read with.",
        f"Give {what} to {_who(what)}.",
        f"When all of them have it: pinctl keys promote {name}",
    )


def promote(folder: Path, name: str, now: datetime | None = None) -> Answer:
    """Make the next key the current one, to write with; the current one becomes a previous one.

    Raises:
        PinctlError: there is no next key.
        KeyFileError: a file is missing or invalid.
    """
    keys, at = Keys(folder), now or datetime.now(UTC)
    before = keys.generations(f"{name}.key")
    if before.coming is None:
        raise PinctlError(f"{name}.key has no next key: `pinctl keys rotate {name}` makes one")
    after, shown = before.promoted(at), public_half(name, before.coming)
    # The public file first: an interrupted promotion can be run again.
    if name in SIGNING:
        ours = keys.generations(f"{name}.pub")
        _replace(folder / f"{name}.pub", ours.promoted(at) if ours.coming == shown else ours)
        after = Generations(before.coming)  # a signature is verified with the public key alone
    elif name in BOXES:
        _replace(folder / f"{name}.pub", Generations(shown))
    _replace(folder / f"{name}.key", after)
    what = f"{name}.pub" if name in BOXES else f"{name}.key"
    return _told(
        f"{name}: the current key is {key_id(shown)}.",
        f"Give {what} to {_who(what)}.",
        f"What still needs the earlier key: pinctl keys status. When nothing does: pinctl keys retire {name}",
    )


def retire(folder: Path, name: str, needed: dict[str, list[str]], *, force: bool) -> Answer:
    """Take the previous keys that nothing needs out of a file.

    Args:
        folder: of the keys.
        name: of the key.
        needed: why each previous key is needed, by its id; one that is not needed has no reason.
        force: take those too that are needed.

    Raises:
        PinctlError: there are none, or all are needed.
        KeyFileError: the file is missing or invalid.
    """
    file = folder / holder(name)
    before = Keys(folder).generations(file.name)
    if not before.previous:
        raise PinctlError(f"{file.name} has no previous key")
    reasons = {one.key: [] if force else needed[key_id_of(name, one.key)] for one in before.previous}
    gone = [key for key, why in reasons.items() if not why]
    if not gone:
        why = "; ".join(dict.fromkeys(reason for one in reasons.values() for reason in one))
        raise PinctlError(f"{name}: an earlier key is needed: {why}", ATTENTION)
    _replace(file, before.without(gone))
    return _told(
        f"{name}: {', '.join(key_id_of(name, key) for key in gone)} is gone.",
        f"Give {file.name} to {_who(file.name)}. Until then they read with the earlier key, too.",
        "Destroy its copies, but for those kept with backups of its time.",
    )


def holder(name: str) -> str:
    """Return the file whose previous keys matter."""
    return f"{name}.pub" if name in SIGNING else f"{name}.key"


def key_id_of(name: str, key: bytes) -> str:
    """Return the id of a key in the file that matters."""
    return key_id(key) if name in SIGNING else key_id(public_half(name, key))


def _who(file: str) -> str:
    workers = [process for process in RINGS if file in ring_of(process, signs=True)]
    if workers:
        return f"{', '.join(workers)}, and restart them, one after the other"
    return _OTHERS.get(file, _PORTALS_VERIFY if file.removesuffix(".pub") in SIGNING else _PORTALS_SEAL)


def _told(*lines: str) -> Answer:
    return Answer("\n".join(lines), {"steps": lines})


def _replace(path: Path, generations: Generations) -> None:
    """Replace a key file in one step, with owner and mode of the one before: a crash leaves either."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as out:
        before, ours = path.stat(), os.fstat(out.fileno())
        if (before.st_uid, before.st_gid) != (ours.st_uid, ours.st_gid):
            os.fchown(out.fileno(), before.st_uid, before.st_gid)
        os.fchmod(out.fileno(), before.st_mode & 0o777)
        out.write(generations.text())
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
