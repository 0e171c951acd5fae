"""The manifests as they are deployed, and what podman can play of them (docs/containers.md has a list)."""

import os
import shutil
import subprocess
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.errors import StackError
from deploy.local.ports import HOST
from deploy.local.processes import CHECKOUT

Thing = dict[str, Any]
_KUBERNETES = CHECKOUT / "deploy/kubernetes"
_TEMPLATES = {
    "Deployment": lambda thing: thing["spec"]["template"],
    "Job": lambda thing: thing["spec"]["template"],
    "CronJob": lambda thing: thing["spec"]["jobTemplate"]["spec"]["template"],
    "Pod": lambda thing: thing,
}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def rendered(folder: Path, part: str, image: str, settings: dict[str, str]) -> list[Thing]:
    """Return the objects of a part of `deploy/kubernetes`, with a deployment's image and settings.

    Args:
        folder: where the overlay is written.
        part: `.`, `setup` or `operator`.
        image: its name and tag.
        settings: which replace those of `settings.env`; in `.` only.
    """
    overlay = folder / f"overlay-{Path(part).name or 'workers'}"
    overlay.mkdir(parents=True, exist_ok=True)
    name, _, tag = image.rpartition(":")
    text: Thing = {
        "resources": [os.path.relpath(_KUBERNETES / part, overlay)],
        "images": [{"name": "pin-online", "newName": name, "newTag": tag}],
    }
    if settings:
        lines = "".join(f"{variable}={value}\n" for variable, value in settings.items())
        (overlay / "settings.env").write_text(lines, encoding="utf-8")
        text["configMapGenerator"] = [{"name": "pin-settings", "behavior": "merge", "envs": ["settings.env"]}]
        text["namespace"] = "pin-online"
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
    done = subprocess.run(
        [str(CHECKOUT / ".venv/bin/kubectl"), "kustomize", str(overlay)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackError(f"kubectl kustomize: {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


def template(things: list[Thing], name: str) -> Thing:
    """Return the template of the pods of a Deployment, Job, CronJob or Pod."""
    (found,) = (
        _TEMPLATES[thing["kind"]](thing)
        for thing in things
        if thing["kind"] in _TEMPLATES and thing["metadata"]["name"] == name
    )
    return deepcopy(found)


def secrets_of(pod: Thing) -> dict[str, str]:
    """Return the secrets that a pod's manifest mounts: the path below /run/pin, and the Secret's name."""
    (volume,) = (volume for volume in pod["spec"]["volumes"] if volume["name"] == "secrets")
    return {
        item["path"]: source["secret"]["name"]
        for source in volume["projected"]["sources"]
        for item in source["secret"].get("items", [{"path": _key(source)}])
    }


def optional(pod: Thing) -> set[str]:
    """Return the names of the Secrets that need not be there."""
    (volume,) = (volume for volume in pod["spec"]["volumes"] if volume["name"] == "secrets")
    return {
        source["secret"]["name"]
        for source in volume["projected"]["sources"]
        if source["secret"].get("optional")
    }


def _key(source: Thing) -> str:
    """Return the only key of a Secret of ours: docs/operations.md makes it of one file."""
    return str(source["secret"]["name"]).removeprefix("pin.")


@dataclass(frozen=True)
class Volumes:
    """What pods mount, as folders of this machine.

    Attributes:
        folder: below which those of each pod are made.
        secrets: the files that `deploy.secrets` made; the Secret `pin.<file>` has each.
        authorities: the files of the ConfigMap `pin-authorities`.
        claims: the folder of each PersistentVolumeClaim that a test reads; others are made.
    """

    folder: Path
    secrets: Path
    authorities: Path
    claims: dict[str, Path]

    def playable(self, name: str, pod: Thing) -> Thing:
        """Return a Pod that podman can play, and place what it mounts."""
        made = deepcopy(pod) | {"apiVersion": "v1", "kind": "Pod"}
        made["metadata"] = {"name": name, "labels": pod["metadata"].get("labels", {})}
        spec = made["spec"]
        spec["hostNetwork"] = True
        if spec.get("restartPolicy", "Always") == "Always":
            spec["restartPolicy"] = "OnFailure"  # else podman starts what it was asked to end
        group = spec["securityContext"]["fsGroup"]
        spec["volumes"] = [self._volume(name, volume, group) for volume in spec.get("volumes", ())]
        for container in spec["containers"]:
            container["imagePullPolicy"] = "Never"
            for part in (*PROBES, "ports"):
                container.pop(part, None)
        return made

    def _volume(self, pod: str, volume: Thing, group: int) -> Thing:
        if "persistentVolumeClaim" in volume:
            claim = volume["persistentVolumeClaim"]["claimName"]
            folder = self.claims.get(claim, self.folder / f"claim-{claim}")
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, 0, group)  # as the kubelet does for `fsGroup`
            folder.chmod(0o2775)
        else:
            folder = self.folder / f"{pod}-{volume['name']}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            if "projected" in volume:
                self._project(folder, volume["projected"], group)
            else:
                shutil.copytree(self.authorities, folder, dirs_exist_ok=True)
        return {"name": volume["name"], "hostPath": {"path": str(folder), "type": "Directory"}}

    def _project(self, folder: Path, projected: Thing, group: int) -> None:
        for source in projected["sources"]:
            secret, key = source["secret"], _key(source)
            if not (self.secrets / key).exists():
                if secret.get("optional"):
                    continue
                raise StackError(f"there is no Secret {secret['name']}, and its pod would wait for it")
            for item in secret.get("items", [{"key": key, "path": key}]):
                path = folder / item["path"]
                shutil.copyfile(self.secrets / item["key"], path)
                os.chown(path, 0, group)
                path.chmod(projected["defaultMode"])


def tell(pod: Thing, told: dict[str, str]) -> None:
    """Set variables of a pod's only container, as whoever deploys would in its manifest."""
    (container,) = pod["spec"]["containers"]
    kept = [variable for variable in container.get("env", ()) if variable["name"] not in told]
    container["env"] = [*kept, *({"name": name, "value": value} for name, value in told.items())]


def health(port: int) -> dict[str, str]:
    """Return the variables by which pods on one network have a port for their probes each."""
    return {"PIN_HEALTH_HOST": HOST, "PIN_HEALTH_PORT": str(port)}
