"""The image in containers, from the manifests: 200 citizens, SIGTERM under load, SIGKILL, and what it may do.

`make containers`; docs/containers.md says what it needs, and what of the manifests podman cannot play.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio

from deploy.demo.afterwards import tell_afterwards
from deploy.demo.demo_stack import DemoStack
from deploy.demo.far_ends import FarEnds
from deploy.demo.runner import run_demo
from deploy.demo.screen import Screen
from deploy.demo.summary import tell
from deploy.local.workers import ALL as WORKERS
from deploy.local.workers import MAILBOX
from shared.version import VERSION
from tests.chaos.test_graceful_stop import load, nothing_is_repeated
from tests.containers import inside, manifests
from tests.containers.image import PROGRAMS, image
from tests.containers.podman import Pod, podman
from tests.containers.stack import PodStack
from tests.kit.evidence import Asked
from tests.kit.harness import Harness, harness_on
from tests.kit.invariants import ALL
from tests.kit.servers import private_directory
from tests.kit.waiting import until

_MISSING = [program for program in PROGRAMS if not shutil.which(program)]
pytestmark = [
    pytest.mark.skipif(os.environ.get("PIN_TEST_CONTAINERS") != "1", reason="wants PIN_TEST_CONTAINERS=1"),
    pytest.mark.skipif(os.geteuid() != 0, reason="volumes of the user 10001 want root"),
    pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}"),
]
one_loop = pytest.mark.asyncio(loop_scope="module")
USER, GROUP = "10001", "10001"
CITIZENS = 200
STOP_LIMIT = 10.0
CLOCK = ("checkpoint", "verify", "seal-month", "dead-expire", "status")
"""The CronJobs, in an order in which each finds what it needs."""
SETTLED = 180.0
"""Seconds within which everything asked for has happened, on a machine that has other things to do."""
_BUILDERS = ("pip", "pip3", "cc", "gcc", "g++", "make", "ld", "as", "git", "curl", "wget")


@pytest.fixture(scope="module")
def the_image() -> str:
    return image()


@pytest.fixture(scope="module")
def far_ends(the_image: str) -> Iterator[FarEnds]:
    """A stack whose workers all are ready, with what the demonstration adds to it."""
    # What ends this program ends its pods, too.
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with private_directory() as root:
        stack = PodStack(root, the_image, {"PIN_DISPOSITIVO_DELAY": "PT1S"})
        around = FarEnds(stack)
        try:
            around.start()
            stack.start_servers()
            around.wait_ready()
            stack.start_workers(name for name in WORKERS if name != MAILBOX.name or around.dovecot)
            yield around
        finally:
            stack.kill()
            around.stop()
            signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def stack(far_ends: FarEnds) -> PodStack:
    stack = far_ends._stack
    assert isinstance(stack, PodStack)
    return stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(stack: PodStack) -> AsyncIterator[Harness]:
    async with harness_on(stack, kinds=("plain", "pec")) as harness:
        await harness.settle_in(issued=10, active=10)
        yield harness


def pod_of(stack: PodStack, worker: str) -> Pod:
    if worker not in stack.pods():
        pytest.skip("Dovecot is not installed, and there is no mailbox to read")
    return stack.pods()[worker]


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """What shows a figure in the terminal."""

    def aloud(text: str) -> None:
        with capfd.disabled():
            sys.stdout.write(f"\n  {text}\n")

    return aloud


def test_the_image_says_what_it_is_and_has_nothing_to_install_with(
    the_image: str, say: Callable[[str], None]
) -> None:
    (found,) = json.loads(podman("image", "inspect", the_image))
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in found["Labels"].items()}
    assert (labels["version"], labels["licenses"]) == (VERSION, "EUPL-1.2")
    assert labels["revision"]
    assert found["User"] == f"{USER}:{GROUP}"
    lines = podman(
        "run", "--rm", "--network", "host", "--read-only", the_image, "sh", "-c",
        "cat /pin/revision; dpkg-query --show | wc -l; ls -d /venv/lib/*/site-packages/*.dist-info | wc -l;"
        f" command -v {' '.join(_BUILDERS)}; python -c 'import pip' 2>&1 | tail -1",
    ).splitlines()  # fmt: skip
    revision, debian, python, *rest = lines
    assert revision == labels["revision"]
    assert rest == ["ModuleNotFoundError: No module named 'pip'"]
    say(f"image {found['Size'] / 1e6:.0f} MB, {debian} packages of Debian, {python} of Python")
    assert found["Size"] < 700e6


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_has_the_rights_and_secrets_of_its_manifest_and_no_others(
    stack: PodStack, worker: str
) -> None:
    pod, manifest = pod_of(stack, worker), stack.template(worker)
    pid = pod.pid
    assert inside.rights(pid) == inside.Rights({USER}, {GROUP}, set(), True, True)  # noqa: FBT003
    mounted = inside.mounts(pid)
    (container,) = manifest["spec"]["containers"]
    volumes = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
    assert "ro" in mounted["/"]
    assert {place: "ro" in mounted[place] for place in volumes} == volumes
    listed = pod.run("find", "/run/pin", "-mindepth", "1", "-printf", "%P %m %U %G\n").splitlines()
    secrets = manifests.secrets_of(manifest)
    given = {path for path, name in secrets.items() if name not in manifests.optional(manifest)}
    assert set(listed) == {f"{path} 440 0 {GROUP}" for path in given}
    assert inside.ports(pid) == {stack._health[worker]}
    variables = pod.run("env")
    assert not any(text in variables for text in stack.rabbitmq.passwords.values())


@pytest.mark.parametrize("worker", WORKERS)
def test_the_probes_of_a_manifest_are_answered(stack: PodStack, worker: str) -> None:
    pod_of(stack, worker)
    (container,) = stack.template(worker)["spec"]["containers"]
    asked = {container[probe]["httpGet"]["path"] for probe in manifests.PROBES}
    answered = {path for path in asked if stack.answers(worker, path)}
    assert asked == answered == {"/live", "/ready"}


@one_loop
async def test_each_worker_ends_within_ten_seconds_of_sigterm_under_load_and_nothing_is_lost_or_repeated(
    stack: PodStack, harness: Harness, say: Callable[[str], None]
) -> None:
    ended: dict[str, tuple[int, float]] = {}
    for worker, pod in stack.pods().items():
        publishing = asyncio.create_task(load(harness))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        pod.ask_to_end()
        status = await asyncio.to_thread(pod.ended, 3 * STOP_LIMIT)
        ended[worker] = status, time.monotonic() - began
        await publishing
        await asyncio.to_thread(pod.start)
    await asyncio.to_thread(stack.wait_ready, stack.pods())
    say(f"ended after SIGTERM: {', '.join(f'{name} {took:.1f} s' for name, (_, took) in ended.items())}")
    assert {worker: status for worker, (status, _) in ended.items() if status} == {}
    assert {worker: took for worker, (_, took) in ended.items() if took >= STOP_LIMIT} == {}
    await harness.all_is_well((*ALL, nothing_is_repeated), limit=SETTLED)


@one_loop
async def test_each_worker_that_is_killed_is_started_again_and_nothing_is_lost(
    stack: PodStack, harness: Harness
) -> None:
    for worker, pod in stack.pods().items():
        pid = pod.pid
        assert pid
        publishing = asyncio.create_task(load(harness))
        await asyncio.sleep(0.5)
        os.kill(pid, signal.SIGKILL)
        await publishing
        await asyncio.to_thread(stack.wait_restarted, worker, pid)
    await harness.all_is_well(limit=SETTLED)


@one_loop
async def test_200_citizens_are_served_through_the_containers(
    stack: PodStack, far_ends: FarEnds, harness: Harness, say: Callable[[str], None]
) -> None:
    """The demonstration: requests, both halves, first access, log-ins, restores, revocations, the profile."""
    demo = DemoStack(stack.state, stack.env, 0, far_ends)
    screen = Screen()
    run = await run_demo(demo, CITIZENS, screen)
    failures = tell(run, demo, screen) + await tell_afterwards(run, demo, screen)
    assert failures == []
    assert len(run.parts) == CITIZENS
    harness.asked += [Asked(citizen.asked, "pin.request", answered=False) for _, citizen in run.parts]
    found = await harness.all_is_well(limit=SETTLED)
    say(f"{CITIZENS} citizens had their deliveries in {run.seconds:.1f} s; {len(found.entries)} entries")


@pytest.mark.parametrize("job", CLOCK)
def test_what_runs_by_the_clock_ends_well(stack: PodStack, harness: Harness, job: str) -> None:
    assert harness.asked
    status, told = stack.run_to_end(job)
    assert status == 0, told


@one_loop
async def test_an_operator_asks_from_a_pod(stack: PodStack) -> None:
    pod = stack.pod("pinctl", {})
    try:
        pod.start()
        await until(pod.alive, "the operator's pod")
        assert pod.run("python", "-m", "deploy.pinctl", "--version").startswith(f"pinctl {VERSION} (")
        assert pod.run("python", "-m", "deploy.pinctl", "status")
    finally:
        pod.kill()
