"""What every line of the log has."""

import json
import subprocess
import sys

from deploy.local.processes import CHECKOUT

WRITES = """
import logging, structlog
from shared.config import logs
logs.configure("notifier-sms", "info")
logs.get().info("one")
structlog.get_logger().error("channel.fault", error="TypeError")
logging.getLogger("aiormq").warning("lost %s", "x")
"""


def test_every_line_says_whose_it_is_whoever_of_the_process_writes_it() -> None:
    """Alerts tell workers apart by it; channels and libraries have loggers of their own."""
    done = subprocess.run(
        [sys.executable, "-c", WRITES], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["one", "channel.fault", "library.log"]
    assert all(line["worker"] == "notifier-sms" and line["timestamp"] for line in lines)
    assert all(next(iter(line)) == "worker" for line in lines)
