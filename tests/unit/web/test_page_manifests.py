"""Compose and Kubernetes run portal and console as the local stack does, with what is theirs and no more."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import secrets
from deploy.local.processes import CHECKOUT
from deploy.local.web_pages import USERS
from deploy.manifests import DEPLOY, EXAMPLE, rendered
from deploy.web.console.settings import ConsoleSettings
from deploy.web.settings import WebSettings
from shared.config.plaintext import OVERRIDE

Thing = dict[str, Any]
EVERYTHING = rendered(DEPLOY / "kubernetes/pages")
YOURS = rendered(EXAMPLE / "pages")
SERVICES: Thing = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
SETTINGS: dict[str, type[WebSettings]] = {"portal": WebSettings, "console": ConsoleSettings}
BROKER = {"PIN_AMQP_URL": "amqps://portal:secret@rabbitmq.example:5671/"}
PAGE_PORT = 8080


def of(kind: str, things: tuple[Thing, ...] = EVERYTHING) -> dict[str, Thing]:
    return {thing["metadata"]["name"]: thing for thing in things if thing["kind"] == kind}


DEPLOYMENTS = of("Deployment")


def pod(name: str) -> Thing:
    spec: Thing = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    return spec


def container(name: str) -> Thing:
    (only,) = pod(name)["containers"]
    assert isinstance(only, dict)
    return only


def volume(name: str, of_it: str) -> Thing:
    (found,) = (one for one in pod(name)["volumes"] if one["name"] == of_it)
    assert isinstance(found, dict)
    return found


def mounted(name: str) -> dict[str, str]:
    """Return a pod's secrets, each with the file that it becomes."""
    sources = [source["secret"] for source in volume(name, "secrets")["projected"]["sources"]]
    made = {}
    for source in sources:
        file = source["name"].removeprefix("pin.")
        (item,) = source.get("items", [{"key": file, "path": file}])
        assert item["key"] == file
        made[file] = item["path"]
    return made


def told(name: str, things: tuple[Thing, ...] = EVERYTHING) -> dict[str, str]:
    """Return the settings of a pod: those of its ConfigMaps, then its own."""
    maps = of("ConfigMap", things)
    (only,) = of("Deployment", things)[name]["spec"]["template"]["spec"]["containers"]
    data = [maps[one["configMapRef"]["name"]]["data"] for one in only["envFrom"]]
    own = {one["name"]: one["value"] for one in only["env"]}
    return {setting: text for group in (*data, own) for setting, text in group.items()}


def loaded(name: str, settings: dict[str, str], folder: Path) -> WebSettings:
    """Read a pod's settings as it does, its secrets in a folder of ours."""
    there = {setting: text.replace("/run/pin", str(folder)) for setting, text in settings.items()}
    urls = ("PIN_AMQP_URL_FILE", "PIN_SUPERVISOR_AMQP_URL_FILE")
    return SETTINGS[name].load({k: v for k, v in there.items() if k not in urls} | BROKER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    secrets.make(tmp_path, "rabbitmq:5672", "postgres:5432")
    for given in ("documents.key", "oidc-client.secret"):
        (tmp_path / given).write_text("given by somebody else\n")
    return tmp_path


def test_portal_and_console_are_deployed_and_nothing_else_of_pages_is() -> None:
    assert DEPLOYMENTS.keys() == USERS.keys()
    assert {name for name, one in SERVICES.items() if one["image"] == "pin-online-web"} == USERS.keys()


@pytest.mark.parametrize("name", USERS)
def test_a_page_runs_the_same_command_everywhere(name: str) -> None:
    command = ["python", "-m", "deploy.web", name]
    assert container(name)["command"] == command
    assert SERVICES[name]["command"] == command


@pytest.mark.parametrize("name", USERS)
def test_a_page_has_its_users_password_its_secret_and_public_keys_alone(name: str, folder: Path) -> None:
    own = {f"{USERS[name]}.amqp-url", f"{name}.web-secret", "issuer.pub", "revoker.pub"}
    own |= {"supervisor.amqp-url"} if name == "console" else set()
    given = {"portal": {"documents.key"}, "console": {"documents.key", "oidc-client.secret"}}[name]
    assert mounted(name).keys() == own | given
    assert set(SERVICES[name]["secrets"]) == own | ({"console-users.toml"} if name == "console" else set())
    made = {path.name for path in folder.iterdir()}
    assert mounted(name).keys() | set(SERVICES[name]["secrets"]) <= made


@pytest.mark.parametrize("name", USERS)
def test_what_a_page_is_told_is_right(name: str, folder: Path) -> None:
    for file, path in mounted(name).items():
        (folder / file).rename(folder / path)
    for things in (EVERYTHING, YOURS):
        settings = loaded(name, told(name, things), folder)
        assert settings.secure
        assert (settings.web_host, settings.web_port, settings.health_host) == (
            "0.0.0.0",  # noqa: S104 - of its pod
            PAGE_PORT,
            "0.0.0.0",  # noqa: S104
        )
        known = {f"PIN_{field.upper()}" for field in SETTINGS[name].model_fields}
        assert {setting.removesuffix("_FILE") for setting in told(name, things)} <= known


@pytest.mark.parametrize("name", USERS)
def test_compose_says_what_a_page_leaves_in_the_clear(name: str, folder: Path) -> None:
    (file,) = SERVICES[name]["env_file"]
    lines = (DEPLOY / file).read_text(encoding="utf-8").splitlines()
    allowed = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    settings = {
        setting: text.replace("/run/secrets", str(folder))
        for setting, text in SERVICES[name]["environment"].items()
    }
    read = SETTINGS[name].load(settings | {OVERRIDE: allowed["PIN_ALLOW_PLAINTEXT"]})
    assert {one.host for one in read.plaintext()} == {"rabbitmq"}  # also as the supervisor
    assert SERVICES[name]["ports"] == [f"127.0.0.1:{read.web_url.rpartition(':')[2]}:{PAGE_PORT}"]
    if name == "portal":
        assert SERVICES["revoker"]["environment"]["PIN_PORTAL_URL"] == read.web_url


@pytest.mark.parametrize("name", USERS)
def test_two_of_each_run_locked_down_and_are_never_taken_down_together(name: str) -> None:
    assert DEPLOYMENTS[name]["spec"]["replicas"] == 2
    assert DEPLOYMENTS[name]["spec"]["strategy"] == {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    assert of("PodDisruptionBudget")[name]["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    spec, only = pod(name), container(name)
    assert spec["serviceAccountName"] == name
    assert name in of("ServiceAccount")
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert only["resources"]["requests"].keys() == {"cpu", "memory"}
    assert only["resources"]["limits"].keys() == {"memory"}
    assert volume(name, "uploads")["emptyDir"]["medium"] == "Memory"
    labels = of("Namespace")["pin-pages"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {thing["metadata"]["namespace"] for thing in EVERYTHING if thing["kind"] != "Namespace"} == {
        "pin-pages"
    }


@pytest.mark.parametrize("name", USERS)
def test_a_page_starts_with_the_broker_and_stays_without(name: str) -> None:
    """A wrong password stops a roll-out; an outage leaves the page that keeps what was typed."""
    ports = {one["name"]: one["containerPort"] for one in container(name)["ports"]}
    assert ports == {"pages": PAGE_PORT, "health": int(told(name)["PIN_HEALTH_PORT"])}
    probes = {
        probe: container(name)[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")
    }
    assert probes == {
        "startup": {"path": "/ready", "port": "health"},
        "liveness": {"path": "/live", "port": "health"},
        "readiness": {"path": "/static/icon.svg", "port": "pages"},
    }
    assert (CHECKOUT / "deploy/web/static/icon.svg").exists()


def peers(direction: str) -> Iterator[tuple[Any, int]]:
    for policy in of("NetworkPolicy").values():
        for rule in policy["spec"].get(direction, ()):
            for port in rule["ports"]:
                for peer in rule["from" if direction == "ingress" else "to"]:
                    yield peer, port["port"]


def test_people_reach_the_pages_port_alone_and_pages_no_ledger() -> None:
    nothing = of("NetworkPolicy")["nothing-else"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {port for _, port in peers("ingress")} == {PAGE_PORT}
    assert {port for _, port in peers("egress")} == {53, 5671, 443}
    assert "ledger" not in str(of("NetworkPolicy"))
    # The broker lets in whoever has the label that the namespace has.
    network = (DEPLOY / "kubernetes/components/rabbitmq-cluster-operator/network.yaml").read_text(
        encoding="utf-8"
    )
    assert "pin-online/speaks: broker" in network
    assert of("Namespace")["pin-pages"]["metadata"]["labels"]["pin-online/speaks"] == "broker"


def test_the_pages_and_the_workers_share_no_namespace_and_no_image() -> None:
    workers = rendered(DEPLOY / "kubernetes")
    assert {thing["metadata"]["namespace"] for thing in workers} == {"pin-online"}
    images = {container(name)["image"].partition(":")[0] for name in USERS}
    assert images == {"pin-online-web"}
    assert "pin-online-web" not in str(workers)


def test_the_documentation_creates_the_secrets_that_are_mounted_and_says_what_pods_ask_for() -> None:
    operations = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"for name in ((?:\S+|\\\n)(?:\s+(?:[a-z.-]+|\\\n))*); do", operations)
    assert set(listed.replace("\\\n", " ").split()) == {file for name in USERS for file in mounted(name)}
    asked = [container(name)["resources"]["requests"] for name in USERS]
    cpu = 2 * sum(int(one["cpu"].removesuffix("m")) for one in asked) / 1000
    memory = 2 * sum(int(one["memory"].removesuffix("Mi")) for one in asked) / 1024
    assert f"They ask for {cpu:.1f} CPU and {memory:.1f} GiB" in operations


@pytest.mark.parametrize("name", USERS)
def test_the_example_leads_people_to_the_page_of_its_address_by_tls(name: str) -> None:
    (rule,) = of("Ingress", YOURS)[name]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert told(name, YOURS)["PIN_WEB_URL"] == f"https://{rule['host']}"
    assert of("Ingress", YOURS)[name]["spec"]["tls"][0]["hosts"] == [rule["host"]]
    assert path["backend"]["service"] == {"name": name, "port": {"name": "http"}}
    (port,) = of("Service", YOURS)[name]["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == ("http", "pages")
    assert of("Service", YOURS)[name]["spec"]["selector"] == {"app.kubernetes.io/name": name}
