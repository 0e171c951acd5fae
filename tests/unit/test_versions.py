"""One table says which servers are supported (docs/operations.md): compose and this machine's keep to it."""

import re
from pathlib import Path

import pytest
import yaml

from deploy.local.processes import CHECKOUT

_ROW = re.compile(r"^\| (Postgres|RabbitMQ) \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)
_HERE = {
    "Postgres": ("/usr/lib/postgresql", "*", r"/(\d+)$"),
    "RabbitMQ": ("/usr/lib/rabbitmq/lib", "rabbitmq_server-*", r"-(\d+\.\d+)\.\d+$"),
}
Version = tuple[int, ...]


def version(text: str) -> Version:
    return tuple(map(int, text.split(".")))


def supported() -> dict[str, tuple[Version, Version]]:
    """Return the oldest and the newest version of each server that is supported."""
    page = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
    return {name: (version(oldest), version(newest)) for name, oldest, newest in _ROW.findall(page)}


@pytest.mark.parametrize(("server", "image"), [("Postgres", "postgres"), ("RabbitMQ", "rabbitmq")])
def test_compose_has_the_newest_servers_that_are_supported(server: str, image: str) -> None:
    services = yaml.safe_load((CHECKOUT / "deploy/compose.yaml").read_text(encoding="utf-8"))["services"]
    images = {service["image"] for service in services.values() if service["image"].startswith(f"{image}:")}
    assert {version(one.partition(":")[2]) for one in images} == {supported()[server][1]}


@pytest.mark.parametrize("server", _HERE)
def test_the_tests_run_on_servers_that_are_supported(server: str) -> None:
    """Who runs them on an end of the table has tested that end."""
    folder, pattern, named = _HERE[server]
    found = [match[1] for path in Path(folder).glob(pattern) if (match := re.search(named, str(path)))]
    if not found:
        pytest.skip(f"{server} is not installed")
    oldest, newest = supported()[server]
    assert oldest <= max(map(version, found)) <= newest


def test_what_is_needed_names_the_same_versions() -> None:
    page = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
    for server, (oldest, _) in supported().items():
        assert f"| {server} {'.'.join(map(str, oldest))} or later |" in page
