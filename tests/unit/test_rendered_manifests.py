"""What `kubectl apply -k deploy/kubernetes-example` sends: the workers, setup and components, as rendered."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from deploy import secrets, server_secrets
from deploy.broker import render
from deploy.local.workers import ALL as WORKERS
from deploy.manifests import DEPLOY, EXAMPLE, Thing, faults, kustomizations, rendered
from deploy.postgres.passwords import ROLES
from shared.contract.channels import CHANNELS
from shared.contract.topology import ISSUER_ACCESS, ISSUER_REQUESTS

_KUBERNETES = DEPLOY / "kubernetes"
_OPERATIONS = (DEPLOY.parent / "docs/operations.md").read_text(encoding="utf-8")
_COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
_SIZES = {"": Decimal(1), "m": Decimal("0.001"), "Mi": Decimal(1), "Gi": Decimal(1024)}
"""What a unit of CPU or memory is in cores or MiB."""

EVERYTHING = (*rendered(EXAMPLE), *rendered(EXAMPLE / "operator"))


def of(kind: str, things: Sequence[Thing] = EVERYTHING) -> dict[str, Thing]:
    return {thing["metadata"]["name"]: thing for thing in things if thing["kind"] == kind}


DEPLOYMENTS = of("Deployment")
SCALED = of("ScaledObject")
(BROKER,) = of("RabbitmqCluster").values()
(LEDGER,) = of("Cluster").values()


def pods(things: Sequence[Thing] = EVERYTHING) -> Iterator[tuple[str, Thing]]:
    """Yield each pod of ours, and what we add to the broker's."""
    for thing in things:
        name, spec = thing["metadata"]["name"], thing.get("spec", {})
        match thing["kind"]:
            case "Pod":
                yield name, spec
            case "Deployment" | "Job":
                yield name, spec["template"]["spec"]
            case "CronJob":
                yield name, spec["jobTemplate"]["spec"]["template"]["spec"]


def added_to_the_broker() -> Thing:
    spec: Thing = BROKER["spec"]["override"]["statefulSet"]["spec"]["template"]["spec"]
    return spec


def containers() -> Iterator[Thing]:
    for _, spec in pods():
        yield from (*spec["containers"], *spec.get("initContainers", ()))
    yield from added_to_the_broker()["initContainers"]


def amount(text: str) -> Decimal:
    number, unit = re.fullmatch(r"([0-9.]+)(\w*)", text).groups()  # type: ignore[union-attr] # else the test fails
    return Decimal(number) * _SIZES[unit]


def requested(resource: str, processes: dict[str, int]) -> Decimal:
    """Return what so many processes of each worker ask for: cores, or MiB."""
    asked = {
        name: thing["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
        for name, thing in DEPLOYMENTS.items()
    }
    return sum((amount(asked[name][resource]) * n for name, n in processes.items()), Decimal())


def fewest() -> dict[str, int]:
    """Return how many processes of each worker run at quiet times."""
    told = {name: thing["spec"].get("replicas") for name, thing in DEPLOYMENTS.items()}
    return {name: n or SCALED[name]["spec"]["minReplicaCount"] for name, n in told.items()}


def most() -> dict[str, int]:
    return fewest() | {name: thing["spec"]["maxReplicaCount"] for name, thing in SCALED.items()}


@pytest.mark.parametrize("folder", kustomizations(), ids=lambda folder: str(folder.relative_to(DEPLOY)))
def test_kubernetes_and_the_operators_know_every_field(folder: Path) -> None:
    assert [
        f"{thing['metadata']['name']}: {fault}" for thing in rendered(folder) for fault in faults(thing)
    ] == []


def test_a_misspelt_field_is_found() -> None:
    wrong = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "x"}}
    assert list(faults({**wrong, "spec": {"minReplicas": 2}})) == ["spec.minReplicas is not known"]
    assert list(faults({**wrong, "spec": {"minReplicaCount": "2"}})) == [
        "spec.minReplicaCount is not integer"
    ]
    assert list(faults({**wrong, "kind": "ScaledJob"})) == ["no ScaledJob is known of keda.sh/v1alpha1"]
    behavior: Thing = {"horizontalPodAutoscalerConfig": {"behavior": {"scaledown": {}}}}
    assert len(list(faults({**wrong, "spec": {"advanced": behavior}}))) == len(("oldest", "newest"))


def test_a_container_says_what_it_needs_and_gets_no_more_than_it_must_have() -> None:
    for one in containers():
        assert one["resources"]["requests"].keys() == {"cpu", "memory"}, one["name"]
        assert "memory" in one["resources"]["limits"], one["name"]
        assert one["securityContext"]["readOnlyRootFilesystem"] is True, one["name"]
        assert one["securityContext"]["allowPrivilegeEscalation"] is False, one["name"]
        assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}, one["name"]
        assert re.search(r"(:(?!latest$)[^:/]+|@sha256:[0-9a-f]{64})$", one["image"]), one["image"]


def test_every_pod_is_admitted_where_pod_security_is_restricted() -> None:
    """With what the test above holds of containers; of the standard's other fields no pod of ours has any."""
    for name, spec in pods():
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC", "hostUsers"}, name
        assert spec["automountServiceAccountToken"] is False, name
        kinds = {kind for volume in spec["volumes"] for kind in volume.keys() - {"name"}}
        assert kinds <= {"configMap", "emptyDir", "projected", "persistentVolumeClaim"}, name
    (added,) = added_to_the_broker()["initContainers"]
    assert added["securityContext"]["runAsNonRoot"] is True
    enforced = "pod-security.kubernetes.io/enforce"
    spaces = of("Namespace")
    assert {space["metadata"]["labels"][enforced] for space in spaces.values()} == {"restricted"}
    ours = [thing["metadata"] for thing in EVERYTHING if thing["kind"] != "Namespace"]
    assert {metadata["namespace"] for metadata in ours} == spaces.keys()


def test_a_worker_is_watched_spread_and_rolled_without_a_pod_more() -> None:
    for name, thing in DEPLOYMENTS.items():
        spec = thing["spec"]["template"]["spec"]
        (only,) = spec["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= only.keys(), name
        assert spec["terminationGracePeriodSeconds"] >= 20, name  # it ends within 10
        keys = {spread["topologyKey"] for spread in spec["topologySpreadConstraints"]}
        assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, name
        labels = thing["spec"]["template"]["metadata"]["labels"]
        for spread in spec["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"].items() <= labels.items(), name
        rolling = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
        assert thing["spec"]["strategy"] == ({"type": "Recreate"} if fewest()[name] == 1 else rolling), name


def test_of_several_processes_one_may_be_evicted_at_a_time() -> None:
    several = {name for name, n in fewest().items() if n > 1}
    budgets = of("PodDisruptionBudget")
    assert budgets.keys() - {BROKER["metadata"]["name"]} == several
    for name in several:
        assert budgets[name]["spec"] == {
            "maxUnavailable": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        }


def test_who_compares_pins_uses_the_cores_that_it_may() -> None:
    (worker,) = DEPLOYMENTS["issuer-access"]["spec"]["template"]["spec"]["containers"]
    (threads,) = [one for one in worker["env"] if one["name"] == "PIN_ARGON2_THREADS"]
    assert threads["valueFrom"]["resourceFieldRef"]["resource"] == "limits.cpu"
    assert worker["resources"]["limits"]["cpu"] == "2"
    others = [spec["containers"][0]["resources"] for name, spec in pods() if name != "issuer-access"]
    assert all(
        "cpu" not in resources["limits"] for resources in others
    )  # a limit of CPU throttles who waits for it


def test_the_requests_add_up_to_what_the_documentation_says() -> None:
    said = " ".join(_OPERATIONS.split())
    for processes, when in ((fewest(), "at quiet times"), (most(), "at most")):
        cpu, memory = requested("cpu", processes), requested("memory", processes) / 1024
        assert f"{when} for {cpu.normalize():f} CPU and {memory:.1f} GiB" in said
    servers = [(thing["spec"]["resources"]["requests"], 3) for thing in (BROKER, LEDGER)]
    cpu, memory = (
        sum((amount(asked[what]) * n for asked, n in servers), Decimal()) for what in ("cpu", "memory")
    )
    assert f"`deploy/kubernetes/components` ask for {cpu:.0f} CPU and {memory / 1024:.0f} GiB" in said


def test_the_ledger_has_connections_for_all_workers() -> None:
    """Two a process, three with a print shop; some for pinctl and the operator."""
    wanted = sum(n * (3 if name == "notifier-post" else 2) for name, n in most().items())
    assert wanted + 20 <= int(LEDGER["spec"]["postgresql"]["parameters"]["max_connections"])


def test_what_is_long_is_worked_off_by_more_processes() -> None:
    queues = {
        name: [t["metadata"]["queueName"] for t in thing["spec"]["triggers"] if t["type"] == "rabbitmq"]
        for name, thing in SCALED.items()
    }
    channels = {channel.worker: [channel.queue] for channel in CHANNELS if not channel.spool}
    assert queues == {"issuer": [ISSUER_REQUESTS], "issuer-access": [ISSUER_ACCESS], **channels}
    assert all(name == thing["spec"]["scaleTargetRef"]["name"] for name, thing in SCALED.items())
    assert {name for name in DEPLOYMENTS if "replicas" not in DEPLOYMENTS[name]["spec"]} == SCALED.keys()
    (by_cpu,) = [
        name for name, t in SCALED.items() if any(one["type"] == "cpu" for one in t["spec"]["triggers"])
    ]
    assert by_cpu == "issuer-access"


def test_one_autoscaler_has_a_worker(tmp_path: Path) -> None:
    shutil.copytree(_KUBERNETES, tmp_path / "kubernetes")

    def made(*components: str) -> tuple[Thing, ...]:
        folder = tmp_path / "-".join(components)
        folder.mkdir()
        listed = [f"../kubernetes/components/{name}" for name in components]
        whole = {"resources": ["../kubernetes"], "components": listed}
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
        return rendered(folder)

    alone = made("access-by-cpu")
    (autoscaler,) = of("HorizontalPodAutoscaler", alone).values()
    assert list(faults(autoscaler)) == []
    assert "replicas" not in of("Deployment", alone)["issuer-access"]["spec"]
    both = made("access-by-cpu", "keda")
    assert of("HorizontalPodAutoscaler", both) == {}
    assert of("ScaledObject", both).keys() == SCALED.keys()


def test_keda_asks_as_a_user_who_gets_no_message() -> None:
    (asked,) = of("TriggerAuthentication").values()
    told = of("ConfigMap")["autoscaler"]["data"]
    own = {
        one["parameter"]: told[one["key"]]
        for one in asked["spec"]["configMapTargetRef"]
        if one["key"] in told
    }
    definitions = render.without_passwords()
    (user,) = [user for user in definitions["users"] if user["name"] == own["username"]]
    (rights,) = [rights for rights in definitions["permissions"] if rights["user"] == own["username"]]
    assert user["tags"] == ["management"]
    assert {rights[what] for what in ("configure", "write", "read")} == {"^$"}
    (password,) = asked["spec"]["secretTargetRef"]
    assert password["name"] == f"pin.{own['username']}.broker-password"
    assert own["host"] == definitions_job()["PIN_BROKER_ADMIN_URL"] + "/"
    assert own["tls"] == "enable"


def definitions_job() -> dict[str, str]:
    (job,) = of("Job")["definitions"]["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in job["env"]}


def test_a_password_ends_without_a_newline_which_keda_would_send_along(tmp_path: Path) -> None:
    secrets.make(tmp_path, "rabbitmq:5671", "postgres:5432")
    assert not [path for path in tmp_path.glob("*-password") if path.read_text().endswith("\n")]


def test_the_broker_has_three_nodes_apart_by_tls_alone_with_our_settings_and_our_plugin() -> None:
    spec, added = BROKER["spec"], added_to_the_broker()
    assert spec["replicas"] == 3
    assert spec["tls"]["disableNonTLSListeners"] is True
    assert spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert spec["image"] == f"{_COMPOSE['rabbitmq']['image']}-management"
    (compiling,), (node,) = added["initContainers"], added["containers"]
    assert compiling["image"] == spec["image"]
    assert spec["rabbitmq"]["additionalPlugins"] == ["pin_rights"]
    env = {one["name"]: one["value"] for one in node["env"]}
    assert env["RABBITMQ_PLUGINS_DIR"].endswith(":/pin/plugins")
    assert "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS" not in env  # advanced.config says it
    volumes = {volume["name"]: volume for volume in added["volumes"]}
    given = of("ConfigMap")[volumes["pin-broker"]["configMap"]["name"]]["data"]
    for name, where in (
        ("rabbitmq.conf", ""),
        ("advanced.config", ""),
        ("pin_rights.erl", "pin_rights"),
        ("pin_rights.app", "pin_rights"),
    ):
        assert given[name] == (DEPLOY / "broker" / where / name).read_text(encoding="utf-8")
    mounted = {mount["subPath"]: mount["mountPath"] for mount in node["volumeMounts"] if "subPath" in mount}
    assert mounted == {
        "rabbitmq.conf": "/etc/rabbitmq/conf.d/50-pin.conf",
        "advanced.config": "/etc/rabbitmq/advanced.config",
    }


def test_a_queue_that_was_declared_on_one_node_gets_a_copy_on_each() -> None:
    told = dict(
        line.split(" = ")
        for line in BROKER["spec"]["rabbitmq"]["additionalConfig"].splitlines()
        if "=" in line
    )
    grows = "quorum_queue.continuous_membership_reconciliation"
    assert told[f"{grows}.enabled"] == "true"
    assert told[f"{grows}.target_group_size"] == str(BROKER["spec"]["replicas"])


def test_the_ledger_acknowledges_what_two_machines_have_and_logs_no_row() -> None:
    spec = LEDGER["spec"]
    durable = {"method": "any", "number": 1, "dataDurability": "required", "failoverQuorum": True}
    assert spec["instances"] == 3
    assert spec["postgresql"]["synchronous"] == durable
    assert spec["postgresql"]["pg_hba"] == ["hostnossl all all all reject"]
    parameters = spec["postgresql"]["parameters"]
    words = _COMPOSE["postgres"]["command"].split()
    told = dict(word.split("=") for word in words if "=" in word)
    assert told.items() <= parameters.items()
    assert spec["imageName"].split(":")[1].startswith(_COMPOSE["postgres"]["image"].split(":")[1] + "-")


def test_the_ledger_has_the_roles_and_rights_that_psql_makes() -> None:
    made = (DEPLOY / "postgres/roles.sql").read_text(encoding="utf-8")
    ours = of("ConfigMap")["ledger-roles"]["data"]["roles.sql"]
    for told in (
        re.findall(r"ARRAY\[.*?\]", made),
        re.findall(r"^(?:REVOKE|GRANT) .*;$", made, re.MULTILINE),
    ):
        assert told
        assert all(line in ours for line in told)
    first = LEDGER["spec"]["bootstrap"]["initdb"]
    kept = {role["name"]: role["passwordSecret"]["name"] for role in LEDGER["spec"]["managed"]["roles"]}
    assert first["database"] == "ledger"
    assert kept | {first["owner"]: first["secret"]["name"]} == {role: f"ledger-{role}" for role in ROLES}


def test_the_servers_are_given_verifiers_and_one_password(tmp_path: Path) -> None:
    secrets.make(tmp_path, "rabbitmq:5671", "postgres:5432")
    made = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one
        for one in server_secrets.secrets(tmp_path)
    }
    admin = (tmp_path / "admin.broker-password").read_text()
    named = BROKER["spec"]["secretBackend"]["externalSecret"]["name"]
    assert (
        f"default_pass = {admin}\n"
        in made.pop((BROKER["metadata"]["namespace"], named))["stringData"]["default_user.conf"]
    )
    assert made.keys() == {(LEDGER["metadata"]["namespace"], f"ledger-{role}") for role in ROLES}
    assert all(one["stringData"]["password"].startswith("SCRAM-SHA-256$") for one in made.values())
    assert all(one["type"] == "kubernetes.io/basic-auth" for one in made.values())


def test_the_servers_namespaces_are_those_that_workers_may_reach() -> None:
    serve = "pin-online/serves"
    served = {name: space["metadata"]["labels"].get(serve) for name, space in of("Namespace").items()}
    assert served == {"pin-online": None, "pin-broker": "broker", "pin-ledger": "ledger"}
    reached = Counter(
        peer["namespaceSelector"]["matchLabels"][serve]
        for policy in of("NetworkPolicy").values()
        for rule in policy["spec"].get("egress", ())
        for peer in rule.get("to", ())
        if serve in peer.get("namespaceSelector", {}).get("matchLabels", {})
    )
    assert reached.keys() == {"broker", "ledger", "traces"}  # the last is yours, if there is one


def test_one_apply_brings_every_worker_with_the_same_image_and_your_settings() -> None:
    assert DEPLOYMENTS.keys() == WORKERS.keys()
    images = {one["image"] for one in containers() if "pin-online" in one["image"]}
    assert len(images) == 1  # pinctl's pod included
    assert images.pop().startswith("registry.example.it/")
    settings = [name for name in of("ConfigMap") if name.startswith("pin-settings-")]
    assert len(settings) == 1
