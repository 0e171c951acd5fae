"""Renders the manifests as `kubectl apply -k` does, and checks each object: `python -m deploy.manifests`.

What Kubernetes knows itself is held to its own schemas (kubernetes-validate, strict), of the oldest version
that we support and of the newest; the operators' resources to `custom_resources.yaml`, and the pods and
autoscalers in them to Kubernetes' again. What a cluster's own policies say is shown by
`kubectl apply --dry-run=server`.
"""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import yaml

DEPLOY: Final = Path(__file__).parent
EXAMPLE: Final = DEPLOY / "kubernetes-example"
OLDEST: Final = "1.27"
"""Of Kubernetes; from here on it has `matchLabelKeys` and `unhealthyPodEvictionPolicy`."""
_KUBECTL = Path(sys.executable).with_name("kubectl")
_CUSTOM = DEPLOY / "custom_resources.yaml"
_COMPONENT = "kind: Component"
_TYPES: Final = {"string": str, "integer": int, "boolean": bool}
Thing = dict[str, Any]


def kustomizations() -> list[Path]:
    """Return the folders that can be applied: all but the components, which the example has."""
    files = (*DEPLOY.glob("kubernetes*/**/kustomization.yaml"), *DEPLOY.glob("monitoring/kustomization.yaml"))
    return sorted(file.parent for file in files if _COMPONENT not in file.read_text(encoding="utf-8"))


@cache
def rendered(folder: Path) -> tuple[Thing, ...]:
    """Return the objects of a folder, as `kubectl apply -k` sends them.

    Raises:
        subprocess.CalledProcessError: kustomize refuses it.
    """
    command = [str(_KUBECTL), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return tuple(yaml.safe_load_all(done.stdout))


def faults(thing: Thing) -> Iterator[str]:
    """Yield what is wrong with an object."""
    kinds = _custom().get(thing["apiVersion"])
    if kinds is None:
        yield from _refused(thing)
    elif thing["kind"] not in kinds:
        yield f"no {thing['kind']} is known of {thing['apiVersion']}"
    else:
        yield from _misfits(thing["spec"], kinds[thing["kind"]], "spec")
        for part in _known_parts(thing["spec"]):
            yield from _refused(part)


@cache
def _custom() -> dict[str, Thing]:
    read: dict[str, Thing] = yaml.safe_load(_CUSTOM.read_text(encoding="utf-8"))
    return read


def _refused(thing: Thing) -> Iterator[str]:
    """Yield what Kubernetes' own schemas say against an object."""
    for version in (OLDEST, kubernetes_validate.latest_version()):
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield error.message


def _misfits(value: object, shape: object, path: str) -> Iterator[str]:
    """Yield where a value is not of a shape of `custom_resources.yaml`."""
    match shape, value:
        case "any", _:
            return
        case "texts", dict():
            yield from (f"{path}.{key} is no text" for key, one in value.items() if not isinstance(one, str))
        case dict(), dict():
            for key, one in value.items():
                if key in shape:
                    yield from _misfits(one, shape[key], f"{path}.{key}")
                else:
                    yield f"{path}.{key} is not known"
        case [one], list():
            for number, item in enumerate(value):
                yield from _misfits(item, one, f"{path}.{number}")
        case str(), str() if "|" in shape and value in shape.split("|"):
            return
        case str(), _ if type(value) is _TYPES.get(shape):
            return
        case _:
            yield f"{path} is not {shape}"


def _known_parts(spec: Thing) -> Iterator[Thing]:
    """Yield the parts of an operator's resource that Kubernetes knows, as objects of their own."""
    if template := spec.get("override", {}).get("statefulSet", {}).get("spec", {}).get("template"):
        yield {"apiVersion": "v1", "kind": "PodTemplate", "template": template}
    if (affinity := spec.get("affinity", {})).keys() & {"podAffinity", "podAntiAffinity", "nodeAffinity"}:
        yield _pod({"affinity": affinity}, {})
    if resources := spec.get("resources"):
        yield _pod({}, {"resources": resources})
    if advanced := spec.get("advanced"):
        target = {"kind": "Deployment", "name": "any"}
        autoscaler = {"scaleTargetRef": target, "maxReplicas": 1, **advanced["horizontalPodAutoscalerConfig"]}
        yield {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": autoscaler}


def _pod(spec: Thing, container: Thing) -> Thing:
    return {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "any", **container}], **spec}}


def main() -> int:
    """Print what is wrong with any manifest; return 1 if something is."""
    try:
        found = [
            f"{folder.relative_to(DEPLOY.parent)}: {thing['kind']} {thing['metadata']['name']}: {fault}"
            for folder in kustomizations()
            for thing in rendered(folder)
            for fault in faults(thing)
        ]
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return 1
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
