"""Unknown settings are warned about, by name only; known ones are shown without what logs in."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT
from deploy.pinctl import keys
from deploy.settings_document import SECTIONS
from services.notifier.settings import NotifierSettings
from services.settings import GROUPS
from shared.config.settings import Settings, unknown
from shared.worker.tracing.settings import TraceSettings
from tests.kit.checkout import tracked

NAMED = re.compile(r"\bPIN_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])")
"""A variable that is written out, and none that goes on with a placeholder: `PIN_LEDGER_PASSWORD_<ROLE>`."""


def variables(*groups: type[Settings]) -> set[str]:
    return {f"PIN_{name.upper()}" for group in groups for name in group.model_fields}


def test_what_any_process_reads_is_known_to_every_worker() -> None:
    read = variables(*(group for section in SECTIONS for group in section.groups))
    assert unknown(dict.fromkeys(read | {f"{name}_FILE" for name in variables(*GROUPS)}, ""), GROUPS) == {}


@pytest.mark.parametrize("place", ["deploy", "docs", "services", "shared", "README.md"])
def test_every_setting_that_is_named_anywhere_is_known(place: str) -> None:
    texts = ((CHECKOUT / path).read_text(encoding="utf-8", errors="replace") for path in tracked(place))
    named = {name for text in texts for name in NAMED.findall(text)}
    assert named
    # The names of the examples in `docs/far-ends.md`.
    environ = dict.fromkeys(named, "") | {"PIN_SMS_PROVIDERS": "first,second,alfa"}
    assert unknown(environ, GROUPS) == {}


@pytest.mark.parametrize(
    ("misspelt", "nearest"),
    [
        ("PIN_SMS_ULR", "PIN_SMS_URL"),
        ("PIN_SMTP_PASSWD_FILE", "PIN_SMTP_PASSWORD"),
        ("PIN_BATCHSIZE", "PIN_BATCH"),
        ("PIN_", None),
        ("PIN_XYZZY", None),
    ],
)
def test_an_unknown_variable_comes_with_the_nearest_name(misspelt: str, nearest: str | None) -> None:
    environ = {misspelt: "x", "PIN_BATCH": "7", "PATH": "/bin", "PINCTL": "x"}
    assert unknown(environ, GROUPS) == {misspelt: nearest}


def test_a_worker_warns_once_a_name_and_never_shows_the_value(tmp_path: Path) -> None:
    keys.init(tmp_path)
    nowhere = {"PIN_AMQP_URL": "amqp://127.0.0.1:1/", "PIN_LEDGER_DSN": "postgresql://127.0.0.1:1/none"}
    environ = nowhere | {
        "PIN_KEYS_DIR": str(tmp_path),
        "PIN_SMS_ULR": "s3cret",
        "PIN_OPERATOR_USRS": "s3cret",
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "services.revoker"],
        cwd=CHECKOUT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout
    lines = []
    with worker:
        for line in worker.stdout:
            lines.append(line)
            if "worker.waiting" in line:
                break
        worker.terminate()
    said = [json.loads(line) for line in lines if "settings.unknown" in line]
    assert [(event["level"], event["setting"], event["nearest"]) for event in said] == [
        ("warning", "PIN_OPERATOR_USRS", "PIN_OPERATOR_USERS"),
        ("warning", "PIN_SMS_ULR", "PIN_SMS_URL"),
    ]
    assert "s3cret" not in "".join(lines)


@pytest.mark.parametrize("password", ["s3cret", "s3c@ret", ""])
def test_a_log_in_in_a_url_is_not_shown(password: str) -> None:
    """As in `worker.starting`, of which each line goes to whoever reads logs."""
    traces = TraceSettings.load({"PIN_TRACES_URL": f"https://pin:{password}@collector:4318/v1/traces"})
    assert traces.shown()["traces_url"] == "https://collector:4318/v1/traces"
    gateway = NotifierSettings.load({"PIN_SMS_URL": f"https://pin:{password}@sms.example.it/sms?from=a@b"})
    assert gateway.shown()["sms_url"] == "https://sms.example.it/sms?from=a@b"
