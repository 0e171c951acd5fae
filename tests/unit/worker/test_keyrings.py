"""Each process has the keys that it uses, and no others."""

import shutil
from pathlib import Path

import pytest

from deploy.local import keyrings
from deploy.local.workers import ALL, WORKERS
from shared.config import logs
from shared.contract.channels import CHANNELS
from shared.crypto.keyrings import RINGS, channels_of
from shared.crypto.keys import Keys, make_keys
from shared.crypto.secret import Secret
from shared.domain.policy import PinPolicy
from shared.errors import KeyFileError
from shared.worker.settings import WorkerSettings
from shared.worker.start import keys_for_decisions
from tests.unit.lanes import LANES


def loads(process: str, folder: Path, ring: frozenset[str] | None) -> None:
    """Read every key that a process reads at its start."""
    settings = WorkerSettings(amqp_url=Secret(""), ledger_dsn=Secret(""), keys_dir=folder)
    keys = Keys(folder, ring)
    keys_for_decisions(keys, settings, logs.get())
    LANES[process](settings, PinPolicy(), keys)


@pytest.fixture(scope="module")
def all_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    return folder


@pytest.mark.parametrize("process", LANES)
def test_a_process_starts_with_its_ring_and_misses_any_key_that_is_taken_from_it(
    process: str, all_keys: Path, tmp_path: Path
) -> None:
    ring = RINGS[process]
    for name in ring:
        shutil.copy2(all_keys / name, tmp_path / name)
    loads(process, tmp_path, ring)
    for name in ring:
        (tmp_path / name).rename(tmp_path / "elsewhere")
        with pytest.raises(KeyFileError, match=name):
            loads(process, tmp_path, ring)
        (tmp_path / "elsewhere").rename(tmp_path / name)


@pytest.mark.parametrize("process", LANES)
def test_a_process_reads_no_key_outside_its_ring_though_it_is_there(process: str, all_keys: Path) -> None:
    loads(process, all_keys, RINGS[process])
    keys = Keys(all_keys, RINGS[process])
    for path in all_keys.iterdir():
        if path.name not in RINGS[process]:
            with pytest.raises(KeyFileError, match="not on the ring"):
                keys.public(path.stem) if path.suffix == ".pub" else keys.symmetric(path.stem)


def test_every_process_has_a_ring() -> None:
    assert RINGS.keys() == LANES.keys() == {worker.logs_as for worker in WORKERS.values()}
    assert {name for name, worker in ALL.items() if worker.bare} == ALL.keys() - WORKERS.keys()


def test_a_lane_sends_to_the_channels_of_its_ring(all_keys: Path) -> None:
    settings = WorkerSettings(amqp_url=Secret(""), ledger_dsn=Secret(""), keys_dir=all_keys)
    for process, build in LANES.items():
        lane = build(settings, PinPolicy(), Keys(all_keys, RINGS[process]))
        assert lane.channels.keys() == {channel.name for channel in channels_of(process)}


def test_who_does_without_a_key_does_not_have_it() -> None:
    """No process opens both halves; nobody holds the pepper, the pseudonyms' or a service's key in vain."""

    def holders(name: str) -> set[str]:
        return {process for process, ring in RINGS.items() if name in ring}

    assert holders("pepper.key") == {"issuer-requests", "issuer-access", "revoker"}
    assert holders("account.key") == holders("subject.key") == holders("pepper.key") | {"dispositivo"}
    assert holders("issuer.key") == {"issuer-access"}
    assert holders("revoker.key") == {"revoker"}
    assert holders("dispositivo.key") == holders("checkpoint.key") == set()
    assert all(holders(f"{channel.key}.key") == {channel.worker} for channel in CHANNELS)


def test_a_key_that_a_worker_had_before_leaves_its_ring(all_keys: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    shutil.copytree(all_keys, keys)
    ring = keyrings.keyring("dispositivo", keys)
    shutil.copy2(keys / "pepper.key", ring / "pepper.key")
    assert {path.name for path in keyrings.keyring("dispositivo", keys).iterdir()} == RINGS["dispositivo"]
