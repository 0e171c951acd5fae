"""A key file changes in three steps, each of which is whole; the last only when nothing needs the key."""

import base64
import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from nacl.public import PrivateKey

from deploy.errors import PinctlError
from deploy.local.keyrings import keyring
from deploy.pinctl import keys as listing
from deploy.pinctl.commands import parser
from deploy.pinctl.key_use import Use, needs, present
from deploy.pinctl.rotation import NAMES, holder, key_id_of, promote, retire, rotate
from shared.crypto.generations import Generations, key_id
from shared.crypto.keys import BOXES, CHECKPOINT, COSIGNER, SIGNING, SYMMETRIC, Keys, make_cosigner, make_keys

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with all keys, as installed."""
    made = tmp_path / "keys"
    make_keys(made)
    make_cosigner(made)
    return made


def held(folder: Path, name: str) -> Generations:
    return Keys(folder).generations(holder(name))


def ids(folder: Path, name: str) -> list[str]:
    return [key_id_of(name, key) for key in held(folder, name).every]


def used(now: datetime = AT + 30 * DAY, counted: Mapping[str, dict[str, int]] = MappingProxyType({})) -> Use:
    return Use(now, timedelta(days=1), **counted)


def reasons(folder: Path, name: str, use: Use) -> list[str]:
    (why,) = needs(name, held(folder, name), use).values()
    return why


@pytest.mark.parametrize("name", NAMES)
def test_a_key_goes_from_next_to_current_to_previous_and_away(folder: Path, name: str) -> None:
    (old,) = ids(folder, name)
    rotate(folder, name)
    current, new = ids(folder, name)
    assert current == old
    assert listing.show(folder).status == 0, "its public file is still that of the current key"
    promote(folder, name, AT)
    assert ids(folder, name) == [new, old]
    assert listing.show(folder).status == 0
    assert held(folder, name).previous[0].since == AT
    retire(folder, name, {old: []}, force=False)
    assert ids(folder, name) == [new]


@pytest.mark.parametrize("name", BOXES)
def test_a_portal_gets_a_public_key_in_one_line_and_never_before_its_readers(folder: Path, name: str) -> None:
    before = (folder / f"{name}.pub").read_text()
    rotate(folder, name)
    assert (folder / f"{name}.pub").read_text() == before
    promote(folder, name)
    (line,) = (folder / f"{name}.pub").read_text().splitlines()
    current = Keys(folder).generations(f"{name}.key").current
    assert base64.b64decode(line) == bytes(PrivateKey(current).public_key)


def test_an_earlier_checkpoint_key_verifies_and_signs_no_more(folder: Path) -> None:
    old = Keys(folder).signing()
    rotate(folder, CHECKPOINT)
    assert Keys(folder).signing() == old
    promote(folder, CHECKPOINT)
    assert old.verify_key in Keys(folder).verifying()
    assert bytes(Keys(folder).signing().verify_key) == bytes(Keys(folder).verifying()[0])
    assert not Keys(folder).generations("checkpoint.key").previous


@pytest.mark.parametrize("name", ["sms", CHECKPOINT])
def test_a_promotion_that_was_interrupted_can_be_run_again(folder: Path, name: str) -> None:
    rotate(folder, name)
    private = (folder / f"{name}.key").read_text()
    promote(folder, name, AT)
    whole = {file: (folder / file).read_text() for file in (f"{name}.key", f"{name}.pub")}
    (folder / f"{name}.key").write_text(private)
    promote(folder, name, AT)
    assert {file: (folder / file).read_text() for file in whole} == whole


def test_no_step_is_taken_twice(folder: Path) -> None:
    with pytest.raises(PinctlError, match="no next key"):
        promote(folder, "account")
    with pytest.raises(PinctlError, match="no previous key"):
        retire(folder, "account", {}, force=True)
    rotate(folder, "account")
    before = (folder / "account.key").read_text()
    with pytest.raises(PinctlError, match="a next key already"):
        rotate(folder, "account")
    assert (folder / "account.key").read_text() == before


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_changed_file_has_the_mode_of_the_one_before(folder: Path, mode: int) -> None:
    (folder / "pepper.key").chmod(mode)
    for step in (rotate, promote):
        step(folder, "pepper")
        assert stat.S_IMODE((folder / "pepper.key").stat().st_mode) == mode
    assert not list(folder.glob(".*")), "nothing is left beside it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to another user")
def test_a_changed_file_belongs_to_whom_the_one_before_did(folder: Path) -> None:
    """Root changes the key of a worker that runs as another user, and it can still read it."""
    os.chown(folder / "pepper.key", 65534, os.getegid())
    (folder / "pepper.key").chmod(0o640)
    rotate(folder, "pepper")
    state = (folder / "pepper.key").stat()
    assert (state.st_uid, stat.S_IMODE(state.st_mode)) == (65534, 0o640)


def test_the_key_of_the_pseudonyms_is_not_among_them() -> None:
    assert set(NAMES) == {*SYMMETRIC, *BOXES, *SIGNING} - {"subject"}
    with pytest.raises(SystemExit):
        parser().parse_args(["keys", "rotate", "subject"])


def test_each_step_says_who_must_get_the_file(folder: Path) -> None:
    assert "Give sms.key to notifier-sms, and restart" in rotate(folder, "sms").text
    assert "Give sms.pub to issuer-requests, issuer-access, " in promote(folder, "sms").text
    assert "Give issuer.key to issuer-access, and restart" in rotate(folder, "issuer").text
    assert "Give issuer.pub to every portal" in promote(folder, "issuer").text
    assert "Give checkpoint.pub to whoever verifies" in rotate(folder, CHECKPOINT).text
    assert "Give checkpoint.key to whoever signs" in promote(folder, CHECKPOINT).text
    assert (
        "Give account.key to issuer-requests, issuer-access, revoker, dispositivo"
        in rotate(folder, "account").text
    )
    assert (
        "Give issuer-signing.pub to every portal: it has to verify" in rotate(folder, "issuer-signing").text
    )
    told = promote(folder, "issuer-signing").text
    assert "Give issuer-signing.key to issuer-requests, issuer-access, and restart" in told
    rotate(folder, COSIGNER)
    assert "Give cosigner.key to the second witness" in promote(folder, COSIGNER).text


def test_a_worker_that_starts_again_gets_the_changed_key(folder: Path) -> None:
    """The local stack gives each worker a link to its keys: a changed file is another one."""
    keyring("revoker", folder)
    rotate(folder, "account")
    ring = keyring("revoker", folder)
    assert (ring / "account.key").read_text() == (folder / "account.key").read_text()


def changed(folder: Path, name: str) -> str:
    """Change a key; return the id of the earlier one."""
    (old,) = ids(folder, name)
    rotate(folder, name)
    promote(folder, name, AT)
    return old


@pytest.mark.parametrize(
    ("name", "where", "why"),
    [
        ("account", "accounts", "2 accounts"),
        ("account", "replies", "2 kept replies"),
        ("pepper", "pins", "2 PINs"),
        ("sms", "bundles", "2 bundles"),
    ],
)
def test_an_earlier_key_stays_while_something_is_under_it_or_names_no_key(
    folder: Path, name: str, where: str, why: str
) -> None:
    old = changed(folder, name)
    (new, _) = ids(folder, name)
    assert reasons(folder, name, used(counted={where: {new: 7}})) == []
    assert reasons(folder, name, used(counted={where: {old: 2, new: 7}})) == [why]
    assert reasons(folder, name, used(counted={where: {"": 1, old: 1}})) == [why]
    needed = {old: [why]}
    with pytest.raises(PinctlError, match=why) as refused:
        retire(folder, name, needed, force=False)
    assert refused.value.status == 1
    retire(folder, name, needed, force=True)
    assert ids(folder, name) == [new]


def test_a_channel_keeps_its_key_while_its_queue_is_not_empty(folder: Path) -> None:
    changed(folder, "post")
    assert reasons(folder, "post", used(counted={"queued": {"post": 1, "sms": 9}})) == ["1 queued bundle"]
    assert reasons(folder, "post", used()) == []


def test_a_day_must_pass_in_which_all_workers_are_restarted(folder: Path) -> None:
    changed(folder, "account")
    assert reasons(folder, "account", used(AT + DAY / 2)) == ["current until 2026-11-27 09:30 UTC"]


def test_a_pepper_stays_while_a_link_may_be_open(folder: Path) -> None:
    changed(folder, "pepper")
    assert reasons(folder, "pepper", used(AT + 1.5 * DAY)) == ["confirming links that may be open"]
    assert reasons(folder, "pepper", used(AT + 2 * DAY)) == []


@pytest.mark.parametrize("name", ["issuer", "revoker", "dispositivo", *SIGNING])
def test_what_nobody_here_can_know_is_left_to_the_operator(folder: Path, name: str) -> None:
    changed(folder, name)
    assert len(reasons(folder, name, used())) == 1


def test_of_several_earlier_keys_those_go_that_nothing_needs(folder: Path) -> None:
    """A pepper is needed until the last of its citizens has logged in: others may come and go meanwhile."""
    first = changed(folder, "pepper")
    rotate(folder, "pepper")
    second = ids(folder, "pepper")[0]
    promote(folder, "pepper", AT)
    assert ids(folder, "pepper")[1:] == [second, first]
    needed = needs("pepper", held(folder, "pepper"), used(counted={"pins": {"": 3}}))
    assert needed == {second: [], first: ["3 PINs"]}
    retire(folder, "pepper", needed, force=False)
    assert ids(folder, "pepper")[1:] == [first]


def test_only_the_keys_that_are_there_are_looked_at(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name not in {"account.key", "sms.pub", "checkpoint.pub"}:
            path.unlink()
    assert set(present(folder)) == {"account", CHECKPOINT}


def test_ids_on_the_command_line_are_those_in_the_ledger(folder: Path) -> None:
    """A bundle names its channel's key by the public half, which is what the sender has."""
    channel = Keys(folder).public("sms")
    assert ids(folder, "sms") == [key_id(channel)]


def test_the_ids_that_a_worker_logs_are_those_that_pinctl_shows(folder: Path) -> None:
    """By them an operator sees that the last worker has got the next key."""
    (folder / "client.key").write_text("of somebody else")
    rotate(folder, "sms")
    known = Keys(folder).ids()
    assert known["sms.key"] == ids(folder, "sms")
    assert known["sms.pub"] == known["sms.key"][:1]
    assert "client.key" not in known
