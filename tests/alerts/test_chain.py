"""Once all is real, the clock too: workers' logs, mtail, Prometheus, Alertmanager, and who is called."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from deploy.local.ports import HOST, Ports, answers
from deploy.local.processes import Process, Program
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from tests.alerts.faults_of_senders import no_json
from tests.alerts.faults_of_the_ledger import an_account_does_not_open
from tests.alerts.replay import MONITORING, Mtail
from tests.alerts.scene import scene_on
from tests.kit.waiting import until

MISSING = ", ".join(
    name for name in ("mtail", "prometheus", "prometheus-alertmanager") if not shutil.which(name)
)
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {MISSING}")

OFTEN = "1s"
"""How often Prometheus asks mtail and evaluates, and how long Alertmanager waits for more of a group."""


class Called:
    """Who is called: a receiver of each kind, and the alerts that it was told of."""

    def __init__(self) -> None:
        told = self.told = dict[str, set[str]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.setdefault(self.path.strip("/"), set()).update(
                    alert["labels"]["alertname"] for alert in body["alerts"]
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)

    def url(self, receiver: str) -> str:
        """Return where a receiver is told."""
        return f"http://{HOST}:{self.server.server_port}/{receiver}"


@contextmanager
def called() -> Iterator[Called]:
    one = Called()
    thread = Thread(target=one.server.serve_forever)
    thread.start()
    try:
        yield one
    finally:
        one.server.shutdown()
        thread.join()
        one.server.server_close()


def prometheus(folder: Path, ports: Ports, mtail: int) -> Process:
    """Return Prometheus with the project's configuration, but for the addresses and how often it looks."""
    config = _read("prometheus/prometheus.yaml")
    config["global"] = {"scrape_interval": OFTEN, "evaluation_interval": OFTEN}
    config["rule_files"] = [str(MONITORING / "prometheus" / name) for name in config["rule_files"]]
    (scrape,) = config["scrape_configs"]
    config["scrape_configs"] = [
        {"job_name": scrape["job_name"], "static_configs": [{"targets": [f"{HOST}:{mtail}"]}]}
    ]
    (manager,) = config["alerting"]["alertmanagers"]
    manager["static_configs"] = [{"targets": [f"{HOST}:{ports['alertmanager']}"]}]
    argv = [
        *("prometheus", f"--config.file={_written(folder, 'prometheus.yaml', config)}"),
        *(
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address={HOST}:{ports['prometheus']}",
            f"--rules.alert.resend-delay={OFTEN}",  # what fired before it knew Alertmanager is told again
        ),
    ]
    return Process(Program("prometheus", argv, folder / "prometheus.log", cwd=folder), folder)


def alertmanager(folder: Path, ports: Ports, told: Called) -> Process:
    """Return Alertmanager likewise; each receiver is the test's."""
    config = _read("alertmanager/alertmanager.yaml")
    config["global"] = {}
    config["route"]["group_wait"] = OFTEN
    for route in config["route"]["routes"]:
        route["group_wait"] = OFTEN
    config["receivers"] = [
        {"name": one["name"], "webhook_configs": [{"url": told.url(one["name"])}]}
        for one in config["receivers"]
    ]
    argv = [
        *("prometheus-alertmanager", f"--config.file={_written(folder, 'alertmanager.yaml', config)}"),
        *(
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={HOST}:{ports['alertmanager']}",
        ),
        "--cluster.listen-address=",
    ]
    return Process(Program("alertmanager", argv, folder / "alertmanager.log", cwd=folder), folder)


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((MONITORING / name).read_text(encoding="utf-8"))
    return found


def _written(folder: Path, name: str, config: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _answers(process: Process, ports: Ports) -> bool:
    return process.must_live() and answers(ports[process.name])


@contextmanager
def watching(stack: Stack, folder: Path) -> Iterator[Called]:
    """Watch a stack's logs; yield who is called."""
    ports = Ports(folder / "ports.json")
    with called() as told, Mtail(folder, logs=stack.state / "log") as mtail:
        processes = [alertmanager(folder, ports, told), prometheus(folder, ports, mtail.port)]
        try:
            for process in processes:
                process.start()
            for process in processes:
                wait_for(partial(_answers, process, ports), 30, process.name)
            yield told
        finally:
            for process in processes:
                process.kill()


async def test_a_parked_message_calls_somebody_and_a_dead_one_leaves_a_ticket(
    servers: Stack, tmp_path: Path
) -> None:
    async with scene_on(servers, "alerts_chain", tmp_path) as scene:
        with watching(scene.stack, tmp_path) as told:
            await no_json(scene)
            await an_account_does_not_open(scene)
            await until(lambda: "MessageParked" in told.told.get("page", ()), "somebody to be called")
            await until(lambda: "MessageDead" in told.told.get("ticket", ()), "a ticket")
            assert "MessageDead" not in told.told["page"]
            # Nothing that runs by the clock has run: that is told as well, and calls nobody.
            await until(lambda: told.told["ticket"] >= {"StatusSilent", "LedgerNotVerified"}, "the silence")
            assert told.told["page"] <= {"MessageParked"}
