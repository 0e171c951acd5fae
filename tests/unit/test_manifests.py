"""Compose and Kubernetes run the workers of the local stack, with the same commands, users and keys."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import secrets
from deploy.broker import render
from deploy.local.keyrings import KEYS
from deploy.local.postgres import SETTINGS as LEDGER
from deploy.local.processes import CHECKOUT
from deploy.local.workers import ALL as WORKERS
from deploy.local.workers import MAILBOX
from deploy.postgres.passwords import ROLES
from services.notifier.settings import NotifierSettings
from services.settings import GROUPS
from shared.config.plaintext import OVERRIDE
from shared.contract.channels import CHANNELS
from shared.errors import SettingsError
from shared.worker.settings import WorkerSettings

_DEPLOY = CHECKOUT / "deploy"
_KUBERNETES = _DEPLOY / "kubernetes"
_SETTINGS = {f"PIN_{name.upper()}" for group in GROUPS for name in group.model_fields}
_PROVIDERS = {
    **{channel.worker: {channel.credential} for channel in CHANNELS if channel.credential},
    MAILBOX.name: set(secrets.MAILBOXES),
}
_MAILBOXES = _PROVIDERS[MAILBOX.name]
"""Passwords of mailboxes, which compose does not have itself either."""

PAGES = {"portal", "console"}
"""What is no worker: tests/unit/web/test_page_manifests.py."""
SERVERS = {
    "PIN_AMQP_URL": "amqps://issuer:secret@rabbitmq.example:5671/",
    "PIN_LEDGER_DSN": "postgresql://issuer:secret@postgres.example/ledger?sslmode=verify-full",
}
Thing = dict[str, Any]


def things(kind: str, *files: Path) -> dict[str, Thing]:
    read = (thing for file in files for thing in yaml.safe_load_all(file.read_text(encoding="utf-8")))
    return {thing["metadata"]["name"]: thing for thing in read if thing and thing["kind"] == kind}


COMPOSE: Thing = yaml.safe_load((_DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Thing] = COMPOSE["services"]
MANIFESTS = [path for name in WORKERS if (path := _KUBERNETES / f"{name}.yaml").exists()]
DEPLOYMENTS = things("Deployment", *MANIFESTS)
JOBS = things("Job", *_KUBERNETES.glob("setup/[!e]*.yaml"))
CHECKS = things("CronJob", _KUBERNETES / "checks.yaml")
COMMON = things("Deployment", _KUBERNETES / "every-worker.yaml")["every-worker"]


def pod(thing: Thing) -> Thing:
    spec: Thing = thing["spec"]["template"]["spec"]
    return spec


def container(thing: Thing) -> Thing:
    (only,) = pod(thing)["containers"]
    assert isinstance(only, dict)
    return only


def mounted(thing: Thing) -> set[str]:
    """Return a pod's secrets by file name; each Secret holds one file and has its name."""
    volumes = {volume["name"]: volume for volume in pod(thing)["volumes"]}
    sources = [source["secret"] for source in volumes["secrets"]["projected"]["sources"]]
    assert all(item["key"] == s["name"][4:] for s in sources for item in s.get("items", ()))
    return {source["name"].removeprefix("pin.") for source in sources}


def optional(thing: Thing) -> set[str]:
    """Return those of a pod's secrets that need not be there."""
    volumes = {volume["name"]: volume for volume in pod(thing)["volumes"]}
    sources = [source["secret"] for source in volumes["secrets"]["projected"]["sources"]]
    return {source["name"].removeprefix("pin.") for source in sources if source.get("optional")}


def its_own(name: str) -> set[str]:
    user = WORKERS[name].user
    return {f"{user}.amqp-url", *KEYS[name], *([] if WORKERS[name].bare else [f"{user}.ledger-dsn"])}


def test_every_worker_is_deployed_and_no_other_is() -> None:
    listed = yaml.safe_load((_KUBERNETES / "kustomization.yaml").read_text())["resources"]
    there = {path.name for path in _KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    patches = {"every-worker.yaml", "every-check.yaml"}
    assert DEPLOYMENTS.keys() == WORKERS.keys()
    assert set(listed) == there - patches
    assert {name for name, service in SERVICES.items() if "cap_drop" in service} == WORKERS.keys() | PAGES


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_runs_the_same_command_everywhere(name: str) -> None:
    command = ["python", *WORKERS[name].command]
    assert container(DEPLOYMENTS[name])["command"] == command
    assert SERVICES[name]["command"] == command


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_gets_its_own_keys_and_passwords_and_no_others(name: str) -> None:
    signing = set() if WORKERS[name].bare else {f"{WORKERS[name].user}-signing.key"}
    assert mounted(DEPLOYMENTS[name]) == its_own(name) | _PROVIDERS.get(name, set()) | signing
    assert optional(DEPLOYMENTS[name]) == signing
    assert set(SERVICES[name]["secrets"]) - _MAILBOXES == its_own(name)
    assert SERVICES[name]["environment"]["PIN_AMQP_URL_FILE"].endswith(f"/{WORKERS[name].user}.amqp-url")


@pytest.mark.parametrize("name", WORKERS)
def test_what_a_worker_is_told_are_settings_that_there_are(name: str) -> None:
    told = {variable["name"] for variable in container(DEPLOYMENTS[name]).get("env", ())}
    told |= SERVICES[name]["environment"].keys()
    assert {variable.removesuffix("_FILE") for variable in told} <= _SETTINGS


def test_the_settings_of_a_deployment_are_right() -> None:
    lines = (_KUBERNETES / "settings.env").read_text(encoding="utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    told |= {v["name"]: v["value"] for v in container(COMMON)["env"] if not v["name"].endswith("_FILE")}
    assert told.keys() <= _SETTINGS
    for group in GROUPS:
        group.load(told | SERVERS)  # none of them in the clear


@pytest.mark.parametrize("name", [*(name for name, worker in WORKERS.items() if not worker.bare), "pinctl"])
def test_compose_says_what_it_leaves_in_the_clear(name: str, tmp_path: Path) -> None:
    secrets.make(tmp_path, "rabbitmq:5672", "postgres:5432")
    (file,) = SERVICES[name]["env_file"]
    lines = (_DEPLOY / file).read_text(encoding="utf-8").splitlines()
    told = SERVICES[name]["environment"] | dict(
        line.split("=", 1) for line in lines if not line.startswith("#")
    )
    for variable in ("PIN_AMQP_URL_FILE", "PIN_LEDGER_DSN_FILE"):
        told[variable] = str(tmp_path / Path(told[variable]).name)
    (allowed,) = {told.pop("PIN_ALLOW_PLAINTEXT")}
    for group in (WorkerSettings, NotifierSettings):
        used = {one.host for one in group.load(told | {OVERRIDE: allowed}).plaintext()}
        assert used == (set(allowed.split()) if group is WorkerSettings else set())
    with pytest.raises(SettingsError, match=r"PIN_AMQP_URL.*PIN_LEDGER_DSN"):
        WorkerSettings.load(told)


def test_whoever_has_a_secret_in_compose_may_read_it_and_speaks_as_is_allowed() -> None:
    """Its files are their group's, and what goes to a server in the clear is refused unless it is allowed."""
    ours = {name: service for name, service in SERVICES.items() if service["image"] == "pin-online"}
    secretive = {name for name, service in ours.items() if service.get("secrets")}
    connected = {
        name
        for name in secretive
        if any(secret.endswith((".ledger-dsn", ".amqp-url")) for secret in ours[name]["secrets"])
    }
    assert {name for name in secretive if "group_add" not in ours[name]} == set()
    assert {name for name in connected if not ours[name].get("env_file")} == {"migrate"} & connected


def test_what_all_workers_have_in_common_reaches_the_one_container_of_each() -> None:
    assert {container(thing)["name"] for thing in (*DEPLOYMENTS.values(), COMMON)} == {"worker"}


def test_each_worker_has_an_account_of_its_own_in_the_cluster() -> None:
    accounts = things("ServiceAccount", *MANIFESTS)
    assert accounts.keys() == WORKERS.keys()
    assert all(pod(thing)["serviceAccountName"] == name for name, thing in DEPLOYMENTS.items())


def test_who_runs_twice_is_never_taken_down_whole() -> None:
    twice = {name for name, thing in DEPLOYMENTS.items() if thing["spec"]["replicas"] > 1}
    assert things("PodDisruptionBudget", *MANIFESTS).keys() == twice


def test_only_channels_leave_the_cluster() -> None:
    policies = things("NetworkPolicy", _KUBERNETES / "setup/network.yaml").values()
    leaving = {
        word
        for policy in policies
        if "ipBlock" in str(policy)
        for word in str(policy["spec"]["podSelector"]).replace("'", " ").split()
        if word in WORKERS
    }
    assert leaving == {*(channel.worker for channel in CHANNELS), MAILBOX.name}


def test_who_reads_what_anybody_may_have_sent_has_no_key_and_no_way_to_the_ledger() -> None:
    policies = things("NetworkPolicy", _KUBERNETES / "setup/network.yaml")
    ways = [policy["spec"] for policy in policies.values() if "pin-online/serves': 'ledger" in str(policy)]
    (way,) = ways
    (without,) = way["podSelector"]["matchExpressions"]
    assert without == {"key": "app.kubernetes.io/name", "operator": "NotIn", "values": [MAILBOX.name]}
    assert mounted(DEPLOYMENTS[MAILBOX.name]) == {"notifier.amqp-url", *secrets.MAILBOXES}


def test_the_nightly_verification_reads_the_checkpoints_that_the_hourly_one_writes() -> None:
    jobs = {name: job["spec"]["jobTemplate"] for name, job in CHECKS.items()}
    for name, read_only in (("checkpoint", False), ("verify", True)):
        told = {v["name"]: v["value"] for v in container(jobs[name])["env"]}
        (mount,) = container(jobs[name])["volumeMounts"]
        volumes = {volume["name"]: volume for volume in pod(jobs[name])["volumes"]}
        assert told["PIN_CHECKPOINT_LOG"].startswith(mount["mountPath"] + "/")
        assert mount.get("readOnly", False) is read_only
        assert volumes[mount["name"]]["persistentVolumeClaim"]["claimName"] == "checkpoints"
    assert mounted(jobs["checkpoint"]) == {"pinctl.ledger-dsn", "checkpoint.key"}
    assert mounted(jobs["verify"]) == {"pinctl.ledger-dsn", "checkpoint.pub"}
    assert SERVICES["checks"]["environment"]["PIN_CHECKPOINT_LOG"].startswith("/checkpoints/")
    assert SERVICES["checks"]["volumes"] == ["checkpoints:/checkpoints", "archive:/archive"]
    assert "ledger checkpoint" in SERVICES["checks"]["command"][-1]
    assert "ledger verify" in SERVICES["checks"]["command"][-1]


def test_a_month_is_sealed_where_the_checkpoints_are_and_its_file_is_kept() -> None:
    job = CHECKS["seal-month"]["spec"]["jobTemplate"]
    told = {v["name"]: v["value"] for v in container(job)["env"]}
    assert told == {"PIN_CHECKPOINT_LOG": "/checkpoints/log", "PIN_ARCHIVE_DIR": "/archive"}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(job)["volumeMounts"]}
    assert mounts == {"checkpoints": "/checkpoints", "archive": "/archive"}
    assert mounted(job) == {"pinctl.ledger-dsn", "checkpoint.key", "checkpoint.pub"}
    assert "ledger seal-month" in SERVICES["checks"]["command"][-1]
    # Each night: one that failed, or was missed, would else be sealed a month later, and nobody told.
    assert CHECKS["seal-month"]["spec"]["schedule"].endswith(" * * *")
    assert "+%d" not in SERVICES["checks"]["command"][-1]


def test_whoever_reads_pec_receipts_is_given_whose_count() -> None:
    told = {v["name"]: v["value"] for v in container(DEPLOYMENTS[MAILBOX.name])["env"]}
    service = SERVICES[MAILBOX.name]
    assert service["environment"]["PIN_PEC_TRUST"] == f"${{PIN_PEC_TRUST:+{told['PIN_PEC_TRUST']}}}"
    assert service["volumes"] == [f"${{PIN_PEC_TRUST:-/dev/null}}:{told['PIN_PEC_TRUST']}:ro"]


def test_the_broker_is_given_a_password_for_each_of_its_users() -> None:
    wanted = {f"PIN_BROKER_PASSWORD_{user.upper()}_FILE" for user in render.users()}
    given = {variable["name"] for variable in container(JOBS["definitions"])["env"]}
    assert wanted | {"PIN_BROKER_PASSWORD_ADMIN_FILE"} <= given
    assert SERVICES["definitions"]["environment"].keys() == wanted


def test_the_ledger_is_given_a_password_for_each_of_its_roles() -> None:
    wanted = {f"PIN_LEDGER_PASSWORD_{role.upper()}_FILE" for role in ROLES}
    assert SERVICES["passwords"]["environment"].keys() == wanted


def test_every_secret_that_is_wanted_is_made(tmp_path: Path) -> None:
    secrets.make(tmp_path, "rabbitmq:5672", "postgres:5432")
    made = {path.name for path in tmp_path.iterdir()}
    wanted = {name for thing in (*DEPLOYMENTS.values(), *JOBS.values()) for name in mounted(thing)}
    assert wanted | COMPOSE["secrets"].keys() <= made


def test_secrets_that_are_there_stay_and_urls_follow_the_servers(tmp_path: Path) -> None:
    secrets.make(tmp_path, "rabbitmq:5672", "postgres:5432")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    secrets.make(tmp_path, "broker.example:5671", "ledger.example:5432", "/etc/pin/ca.crt")
    changed = {path.name for path in tmp_path.iterdir() if path.read_text() != before[path.name]}
    assert {name.rpartition(".")[2] for name in changed} == {"amqp-url", "ledger-dsn"}
    for name in WORKERS:
        user = WORKERS[name].user
        names = ("PIN_AMQP_URL", f"{user}.amqp-url"), ("PIN_LEDGER_DSN", f"{user}.ledger-dsn")
        # Whole and protected: the one fault is that the test has no such file.
        with pytest.raises(SettingsError) as fault:
            WorkerSettings.load(
                {n: (tmp_path / f).read_text().strip() for n, f in names} | {"PIN_KEYS_DIR": "."}
            )
        assert "PIN_ALLOW_PLAINTEXT" not in str(fault.value)
        assert str(fault.value).count("No such file") == 2
    url = (tmp_path / "issuer.amqp-url").read_text()
    assert url.startswith("amqps://issuer:")
    assert url.endswith("@broker.example:5671/?cafile=/etc/pin/ca.crt\n")


def test_with_certificates_our_own_users_have_no_password_in_their_urls(tmp_path: Path) -> None:
    secrets.make(tmp_path, "broker.example:5671", "ledger.example:5432", "/etc/pin/ca.crt", "/run/pin")
    own = {worker.user for worker in WORKERS.values()} | {"pinctl"}
    for user in own:
        assert (tmp_path / f"{user}.amqp-url").read_text() == (
            "amqps://broker.example:5671/?auth=EXTERNAL&cafile=/etc/pin/ca.crt"
            "&certfile=/run/pin/tls.crt&keyfile=/run/pin/tls.key\n"
        )
        assert (tmp_path / f"{user}.ledger-dsn").read_text() == (
            f"postgresql://{user}@ledger.example:5432/ledger?sslmode=verify-full&sslrootcert=/etc/pin/ca.crt"
            "&sslcert=/run/pin/tls.crt&sslkey=/run/pin/tls.key\n"
        )
    password = (tmp_path / "portal.broker-password").read_text().strip()
    assert f"//portal:{password}@" in (tmp_path / "portal.amqp-url").read_text()


def test_the_ledger_is_set_alike_wherever_it_runs() -> None:
    cluster = yaml.safe_load((_KUBERNETES / "components/cloudnative-pg/ledger.yaml").read_text())
    told: dict[str, str] = cluster["spec"]["postgresql"]["parameters"]
    assert cluster["spec"]["resources"]["limits"] == {"memory": "2Gi"}
    assert told.pop("shared_buffers") == "512MB"  # a quarter of it: the local server, and compose, have less
    words = yaml.safe_load((_DEPLOY / "compose.yaml").read_text())["services"]["postgres"]["command"].split()
    composed = dict(word.split("=", 1) for word in words if "=" in word)
    assert {name: LEDGER[name] for name in told} == told
    assert composed.items() <= told.items()
    assert told.keys() - composed.keys() <= {"max_connections"}  # a hundred are enough there
