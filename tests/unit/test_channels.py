"""A channel in the registry must be in every file that lists channels; the errors name what is missing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, get_args

import pytest
import yaml

from deploy.broker.render import without_passwords
from deploy.demo.runner import SHOWN
from deploy.local.keyrings import KEYS
from deploy.local.processes import CHECKOUT
from deploy.local.sink_faults import Faults
from deploy.local.workers import WORKERS
from shared.contract.channels import CHANNELS, Channel, ChannelName
from shared.contract.delivery import Sms
from shared.crypto.keyrings import SENDS, channels_of
from shared.crypto.keys import BOXES

FAX = Channel("fax", Sms, "faxes", credential="fax.password")
"""A channel that there is not."""
REGISTRY = "shared/contract/channels.py"
MIGRATIONS = "shared/ledger/migrations"
NOTIFIER = "services/notifier/channels/__init__.py"
SINKS = "deploy/local/sink_faults.py"
PAGES = ("docs/glossary.md", "docs/operations.md")
COMPOSE = "deploy/compose.yaml"
KUBERNETES = "deploy/kubernetes"
KUSTOMIZATION = f"{KUBERNETES}/kustomization.yaml"
NETWORK = f"{KUBERNETES}/setup/network.yaml"
SENDS_IT = {name: SENDS.get(worker.logs_as, ()) for name, worker in WORKERS.items()}

Said = Iterator[tuple[str, str]]
"""Pairs of a file and of a thing that is said there."""


def wanted(channel: Channel) -> Said:
    """Yield what has to be said of a channel, and where."""
    yield REGISTRY, f"{channel.name} in ChannelName"
    yield MIGRATIONS, f"{channel.name} in the check on delivery.channel"
    yield NOTIFIER, f"{channel.name} in open_channel"
    yield from ((page, f"`{channel.name}`") for page in PAGES)
    yield from _wanted_of_the_worker(COMPOSE, channel)
    deciding = [name for name, contents in SENDS_IT.items() if channel.content in contents]
    yield from ((COMPOSE, f"{channel.key}.pub for {name}") for name in deciding)
    yield from ((COMPOSE, f"file of {channel.key}.{half}") for half in ("key", "pub"))
    yield from _wanted_of_the_worker(f"{KUBERNETES}/{channel.worker}.yaml", channel)
    yield from ((f"{KUBERNETES}/{name}.yaml", f"{channel.key}.pub for {name}") for name in deciding)
    yield KUSTOMIZATION, f"{channel.worker}.yaml among its resources"
    if channel.credential:
        yield f"{KUBERNETES}/{channel.worker}.yaml", f"{channel.credential} for {channel.worker}"
    if not channel.spool:
        yield NETWORK, f"way out for {channel.worker}"
        yield SINKS, f"fault of {channel.name}"


def _wanted_of_the_worker(file: str, channel: Channel) -> Said:
    yield file, f"worker that runs services.notifier {channel.name}"
    yield file, f"{channel.key}.key for {channel.worker}"
    if channel.spool:
        yield file, f"spool for {channel.worker}"


def said() -> Said:
    """Yield what the files say."""
    yield from ((REGISTRY, f"{name} in ChannelName") for name in get_args(ChannelName))
    yield from ((MIGRATIONS, f"{name} in the check on delivery.channel") for name in in_the_ledger())
    cases = " ".join(re.findall(r"case (.+):", text(NOTIFIER)))
    yield from ((NOTIFIER, f"{name} in open_channel") for name in re.findall(r'"(\w+)"', cases))
    yield from ((SINKS, f"fault of {name}") for name in Faults.model_fields)
    yield from ((page, word) for page in PAGES for word in re.findall(r"`\w+`", text(page)))
    yield from _said_by_compose(yaml.safe_load(text(COMPOSE)))
    yield from ((KUSTOMIZATION, f"{name} among its resources") for name in _one(KUSTOMIZATION)["resources"])
    outwards = [str(policy) for policy in yaml.safe_load_all(text(NETWORK)) if "ipBlock" in str(policy)]
    yield from ((NETWORK, f"way out for {name}") for name in re.findall(r"notifier-\w+", str(outwards)))
    for path in (CHECKOUT / KUBERNETES).glob("[!e]*.yaml"):
        yield from _said_by_manifest(str(path.relative_to(CHECKOUT)))


def text(path: str) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")


def in_the_ledger() -> set[str]:
    """Return the channels that the table of deliveries takes since the last migration that says so."""
    migrations = sorted((CHECKOUT / MIGRATIONS).glob("*.sql"))
    done = "".join(path.read_text(encoding="utf-8").partition("-- migrate:down")[0] for path in migrations)
    return set(re.findall(r"'(\w+)'", re.findall(r"channel in \(([^)]*)\)", done)[-1]))


def _one(path: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(text(path))
    return read


def keys(source: str, channels: Sequence[Channel] = CHANNELS) -> list[tuple[str, str]]:
    """Return routing key and queue of each binding of an exchange."""
    bindings = without_passwords(channels)["bindings"]
    return [(b["routing_key"], b["destination"]) for b in bindings if b["source"] == source]


def _said_by_compose(compose: dict[str, Any]) -> Said:
    yield from ((COMPOSE, f"file of {secret}") for secret in compose["secrets"])
    for name, service in compose["services"].items():
        command = " ".join(service.get("command", ())[2:])
        yield COMPOSE, f"worker that runs {command}"
        yield from ((COMPOSE, f"{secret} for {name}") for secret in service.get("secrets", ()))
        if "spool:/spool" in service.get("volumes", ()):
            yield COMPOSE, f"spool for {name}"


def _said_by_manifest(file: str) -> Said:
    for thing in yaml.safe_load_all(text(file)):
        if thing["kind"] == "Deployment":
            pod = thing["spec"]["template"]["spec"]
            name, told = thing["metadata"]["name"], str(pod["volumes"])
            yield file, f"worker that runs {' '.join(pod['containers'][0]['command'][2:])}"
            yield from ((file, f"{secret} for {name}") for secret in re.findall(r"'pin\.([\w.-]+)'", told))
            if "persistentVolumeClaim" in told:
                yield file, f"spool for {name}"


SAID = frozenset(said())


def missing(channel: Channel) -> list[str]:
    """Return a sentence for each thing that a file does not say of a channel."""
    return [f"{file} has no {thing}" for file, thing in wanted(channel) if (file, thing) not in SAID]


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_every_file_knows_the_channel(channel: Channel) -> None:
    lacking = missing(channel)
    assert lacking == [], "\n".join(lacking)


def test_whoever_adds_a_channel_is_told_which_file_does_not_know_it() -> None:
    assert missing(FAX) == [
        "shared/contract/channels.py has no fax in ChannelName",
        "shared/ledger/migrations has no fax in the check on delivery.channel",
        "services/notifier/channels/__init__.py has no fax in open_channel",
        "docs/glossary.md has no `fax`",
        "docs/operations.md has no `fax`",
        "deploy/compose.yaml has no worker that runs services.notifier fax",
        "deploy/compose.yaml has no fax.key for notifier-fax",
        "deploy/compose.yaml has no fax.pub for issuer",
        "deploy/compose.yaml has no fax.pub for issuer-access",
        "deploy/compose.yaml has no fax.pub for notifier-receipts",
        "deploy/compose.yaml has no fax.pub for revoker",
        "deploy/compose.yaml has no file of fax.key",
        "deploy/compose.yaml has no file of fax.pub",
        "deploy/kubernetes/notifier-fax.yaml has no worker that runs services.notifier fax",
        "deploy/kubernetes/notifier-fax.yaml has no fax.key for notifier-fax",
        "deploy/kubernetes/issuer.yaml has no fax.pub for issuer",
        "deploy/kubernetes/issuer-access.yaml has no fax.pub for issuer-access",
        "deploy/kubernetes/notifier-receipts.yaml has no fax.pub for notifier-receipts",
        "deploy/kubernetes/revoker.yaml has no fax.pub for revoker",
        "deploy/kubernetes/kustomization.yaml has no notifier-fax.yaml among its resources",
        "deploy/kubernetes/notifier-fax.yaml has no fax.password for notifier-fax",
        "deploy/kubernetes/setup/network.yaml has no way out for notifier-fax",
        "deploy/local/sink_faults.py has no fault of fax",
    ]


def test_a_channel_with_a_spool_needs_a_volume_in_place_of_a_way_out() -> None:
    folder = set(missing(replace(FAX, credential="", spool=True)))
    assert folder - set(missing(FAX)) == {
        "deploy/compose.yaml has no spool for notifier-fax",
        "deploy/kubernetes/notifier-fax.yaml has no spool for notifier-fax",
    }
    assert set(missing(FAX)) - folder == {
        "deploy/kubernetes/notifier-fax.yaml has no fax.password for notifier-fax",
        "deploy/kubernetes/setup/network.yaml has no way out for notifier-fax",
        "deploy/local/sink_faults.py has no fault of fax",
    }


def test_the_broker_gives_a_channel_its_queue_and_binding_and_lets_the_notifier_read_it() -> None:
    made = without_passwords((*CHANNELS, FAX))
    assert [queue["name"] for queue in made["queues"] if "fax" in queue["name"]] == ["notifier.fax"]
    assert ("fax", "notifier.fax") in keys("pin.notifications", (*CHANNELS, FAX))
    readers = [p["user"] for p in made["permissions"] if re.search(p["read"], "notifier.fax")]
    assert readers == ["notifier"]


def test_every_place_knows_the_same_channels() -> None:
    names = {channel.name for channel in CHANNELS}
    assert set(get_args(ChannelName)) == names, "the contract"
    assert set(BOXES) - {"issuer", "revoker", "dispositivo"} == names, "the keys"
    assert in_the_ledger() == names, "the ledger"
    assert set(keys("pin.notifications")) == {(name, f"notifier.{name}") for name in names}, "the broker"
    assert {worker.lane for worker in WORKERS.values() if worker.user == "notifier"} == names | {"receipts"}
    assert {key for worker in WORKERS for key in KEYS[worker]} >= {f"{name}.key" for name in names}, (
        "the keyrings"
    )
    assert SHOWN.keys() == names, "the demonstration"


def test_every_channel_is_used_by_somebody() -> None:
    assert {channel for process in SENDS for channel in channels_of(process)} == set(CHANNELS)
