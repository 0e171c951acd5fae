"""A private key that others may read is no private key: it is refused, and not repaired behind one's back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import secrets
from deploy.local.processes import CHECKOUT
from deploy.pinctl import rotation
from shared.crypto.keys import Keys, make_keys
from shared.errors import KeyFileError

NOBODY = 65534


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_of_ours_alone_is_taken(mode: int, tmp_path: Path) -> None:
    make_keys(tmp_path)
    (tmp_path / "account.key").chmod(mode)
    assert len(Keys(tmp_path).symmetric("account").current) == 32


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o640, 0o660, 0o602, 0o777])
def test_a_key_of_ours_that_others_get_at_is_refused_by_file_and_mode(mode: int, tmp_path: Path) -> None:
    make_keys(tmp_path)
    tmp_path.chmod(0o755)
    (tmp_path / "account.key").chmod(mode)
    with pytest.raises(KeyFileError, match=rf"account\.key: mode {mode:04o} .*chmod 0[67]00"):
        Keys(tmp_path).symmetric("account")
    (tmp_path / "issuer.key").chmod(mode)
    with pytest.raises(KeyFileError, match=r"issuer\.key"):
        Keys(tmp_path).private("issuer")
    (tmp_path / "checkpoint.key").chmod(mode)
    with pytest.raises(KeyFileError, match=r"checkpoint\.key"):
        Keys(tmp_path).signing()
    make_keys(tmp_path)
    assert (tmp_path / "account.key").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize(
    ("folder", "mode", "taken"),
    [(0o700, 0o640, True), (0o700, 0o660, False), (0o700, 0o644, False), (0o710, 0o640, False)],
)
def test_the_group_may_read_a_key_in_a_folder_that_only_we_can_enter(
    folder: int, mode: int, *, taken: bool, tmp_path: Path
) -> None:
    """So does `deploy.secrets` leave them, for compose; `pinctl keys` works on that folder."""
    make_keys(tmp_path)
    tmp_path.chmod(folder)
    (tmp_path / "account.key").chmod(mode)
    if taken:
        assert len(Keys(tmp_path).symmetric("account").current) == 32
    else:
        with pytest.raises(KeyFileError, match="account"):
            Keys(tmp_path).symmetric("account")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to another user")
@pytest.mark.parametrize(
    ("mode", "taken"), [(0o440, True), (0o640, True), (0o460, False), (0o444, False), (0o650, False)]
)
def test_a_key_of_another_user_comes_by_its_group_alone(mode: int, *, taken: bool, tmp_path: Path) -> None:
    """Kubernetes mounts secrets as root's, readable by the group of the pod."""
    make_keys(tmp_path)
    os.chown(tmp_path / "account.key", NOBODY, os.getegid())
    (tmp_path / "account.key").chmod(mode)
    if taken:
        assert len(Keys(tmp_path).symmetric("account").current) == 32
    else:
        with pytest.raises(KeyFileError, match="account"):
            Keys(tmp_path).symmetric("account")


def test_anybody_may_read_a_public_key(tmp_path: Path) -> None:
    make_keys(tmp_path)
    assert (tmp_path / "issuer.pub").stat().st_mode & 0o777 == 0o644
    assert len(Keys(tmp_path).public("issuer")) == 32


def test_the_secrets_of_a_deployment_are_for_owner_and_group(tmp_path: Path) -> None:
    secrets.make(tmp_path, "rabbitmq:5672", "postgres:5432")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def test_the_keys_of_a_deployment_are_changed_where_they_were_made(tmp_path: Path) -> None:
    secrets.make(tmp_path, "rabbitmq:5672", "postgres:5432")
    rotation.rotate(tmp_path, "account")
    rotation.promote(tmp_path, "account")
    assert len(Keys(tmp_path).generations("account.key").every) == 2


def test_a_worker_with_a_key_that_others_may_read_does_not_start(tmp_path: Path) -> None:
    make_keys(tmp_path)
    (tmp_path / "account.key").chmod(0o644)
    env = {
        "PIN_AMQP_URL": "amqp://[::1]",
        "PIN_LEDGER_DSN": "postgresql://[::1]",
        "PIN_KEYS_DIR": str(tmp_path),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "services.dispositivo"],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "account.key: mode 0644" in ended.stderr
