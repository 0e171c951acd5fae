"""What goes to another machine in the clear is refused at the start, unless it is allowed by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.broker import load
from deploy.local.processes import CHECKOUT
from deploy.pinctl.__main__ import main as pinctl
from services.notifier.settings import NotifierSettings
from shared.config.plaintext import is_local
from shared.crypto.keys import make_keys
from shared.errors import SettingsError
from shared.worker.settings import WorkerSettings

SAFE = {
    "PIN_AMQP_URL": "amqps://issuer:s3cret@rabbitmq/",
    "PIN_LEDGER_DSN": "postgresql://issuer:s3cret@postgres/ledger?sslmode=verify-full",
}
SMS_WORKER = [sys.executable, "-m", "services.notifier", "sms"]


def load_settings(**settings: str) -> WorkerSettings:
    return WorkerSettings.load(SAFE | {"PIN_KEYS_DIR": "/nowhere"} | settings)


def faults(**settings: str) -> str:
    with pytest.raises(SettingsError) as found:
        load_settings(**settings)
    assert "s3cret" not in str(found.value)
    return str(found.value)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "/run/postgresql"]
)
def test_the_machine_itself_is_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "rabbitmq",
        "10.0.0.1",
        "0.0.0.0",  # noqa: S104 - to be refused
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "::2",
        "127.1",
    ],
)
def test_all_else_is_another_machine(host: str) -> None:
    assert not is_local(host)


@pytest.mark.parametrize(
    "url",
    [
        "amqp://issuer:s3cret@rabbitmq/",
        "amqp://issuer:s3cret@127.0.0.1.evil.example/",
        "amqp://issuer:s3cret@127.0.0.1,rabbitmq:5672/",
        "amqps://issuer:s3cret@rabbitmq/?no_verify_ssl=1",
        "amqps://issuer:s3cret@rabbitmq/?no_verify_ssl=1&no_verify_ssl=0",
        "amqps://issuer:s3cret@rabbitmq/?no_verify_ssl=",
        "amqps://issuer:s3cret@rabbitmq/?heartbeat=10&no_verify_ssl",
        "amqp://",
    ],
)
def test_a_broker_in_the_clear_or_not_verified_is_refused(url: str) -> None:
    assert "PIN_AMQP_URL" in faults(PIN_AMQP_URL=url)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://issuer:s3cret@postgres/ledger",
        *(
            f"postgresql://issuer:s3cret@postgres/ledger?sslmode={mode}"
            for mode in ("disable", "allow", "prefer", "require", "verify-ca")
        ),
        "postgresql://issuer:s3cret@localhost:5432,postgres:5432/ledger",
        "postgresql:///ledger?host=postgres",
        "postgresql://issuer:s3cret@/ledger",
        "postgresql://issuer:s3cret@[2001:db8::1]:5432/ledger",
    ],
)
def test_a_ledger_whose_name_is_not_verified_is_refused(dsn: str) -> None:
    assert "PIN_LEDGER_DSN" in faults(PIN_LEDGER_DSN=dsn)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://issuer:s3cret@localhost:5432/ledger",
        "postgresql://issuer:s3cret@[::1]:5432/ledger",
        "postgresql:///ledger?host=/run/postgresql",
        "postgresql://issuer:s3cret@%2Frun%2Fpostgresql/ledger",
        "postgresql://one:5432,two:5432/ledger?sslmode=verify-full",
    ],
)
def test_a_ledger_on_the_machine_itself_or_verified_is_accepted(dsn: str) -> None:
    load_settings(PIN_LEDGER_DSN=dsn)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("PIN_SMS_URL", {"PIN_SMS_URL": "http://sms.example/"}),
        ("PIN_SMTP_TLS", {"PIN_SMTP_HOST": "mail.example"}),
        ("PIN_PEC_SMTP_TLS", {"PIN_PEC_SMTP_HOST": "pec.example", "PIN_PEC_SMTP_TLS": "none"}),
    ],
)
def test_a_provider_in_the_clear_is_refused_and_may_be_allowed(name: str, settings: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=name):
        NotifierSettings.load(settings)
    NotifierSettings.load(settings | {"PIN_ALLOW_PLAINTEXT": f"rabbitmq, {name}"})


def test_all_at_fault_are_named_at_once_and_each_may_be_allowed_by_setting_or_host() -> None:
    plain = {"PIN_AMQP_URL": "amqp://rabbitmq/", "PIN_LEDGER_DSN": "postgresql://postgres/ledger"}
    said = faults(**plain)
    assert said.count("PIN_ALLOW_PLAINTEXT") == 2
    assert "PIN_AMQP_URL" in said
    assert "PIN_LEDGER_DSN" not in faults(**plain, PIN_ALLOW_PLAINTEXT="PIN_LEDGER_DSN")
    assert "PIN_AMQP_URL" not in faults(**plain, PIN_ALLOW_PLAINTEXT="rabbitmq")
    load_settings(**plain, PIN_ALLOW_PLAINTEXT="rabbitmq postgres")


def environment(keys: Path) -> dict[str, str]:
    make_keys(keys)
    own = {name: text for name, text in os.environ.items() if not name.startswith("PIN_")}
    return own | {"PIN_KEYS_DIR": str(keys)}


def started(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        SMS_WORKER,
        cwd=CHECKOUT,
        env=environment(tmp_path) | SAFE | settings,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_worker_names_every_setting_of_every_group_and_does_not_start(tmp_path: Path) -> None:
    done = started(
        tmp_path,
        PIN_AMQP_URL="amqp://notifier:s3cret@rabbitmq/",
        PIN_LEDGER_DSN="postgresql://notifier:s3cret@postgres/ledger",
        PIN_SMS_URL="http://sms.example/",
        PIN_SMTP_HOST="mail.example",
        PIN_PEC_SMTP_HOST="pec.example",
        PIN_LINK_VALIDITY="soon",
    )
    assert done.returncode == 2
    assert done.stdout == ""
    named = ("AMQP_URL", "LEDGER_DSN", "SMS_URL", "SMTP_TLS", "PEC_SMTP_TLS", "LINK_VALIDITY")
    assert [name for name in named if f"PIN_{name}: " not in done.stderr] == []
    assert "s3cret" not in done.stderr


def test_what_is_allowed_is_said_at_every_start(tmp_path: Path) -> None:
    plain = {
        "PIN_AMQP_URL": "amqp://nobody.invalid/",
        "PIN_SMS_URL": "http://sms.invalid/",
        "PIN_LEDGER_DSN": "postgresql://127.0.0.1:1/none",
        "PIN_ALLOW_PLAINTEXT": "PIN_SMS_URL nobody.invalid",
        "PIN_LOG_LEVEL": "warning",
    }
    with subprocess.Popen(
        SMS_WORKER, cwd=CHECKOUT, env=environment(tmp_path) | plain, stdout=subprocess.PIPE, text=True
    ) as worker:
        try:
            assert worker.stdout
            lines = [json.loads(worker.stdout.readline()) for _ in range(3)]
        finally:
            worker.kill()
    assert [(line["event"], line.get("setting"), line.get("host")) for line in lines] == [
        ("settings.plaintext", "PIN_AMQP_URL", "nobody.invalid"),
        ("settings.plaintext", "PIN_SMS_URL", "sms.invalid"),
        ("worker.waiting", None, None),
    ]
    assert all(line["level"] == "warning" for line in lines)
    assert "every message" in lines[0]["shows"]


def test_pinctl_refuses_and_says_likewise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIN_LEDGER_DSN", "postgresql://nobody.invalid/ledger")
    assert pinctl(["trace", "00"]) == 2
    assert "PIN_LEDGER_DSN" in capsys.readouterr().err
    monkeypatch.setenv("PIN_ALLOW_PLAINTEXT", "PIN_LEDGER_DSN")
    assert pinctl(["trace", "00"]) == 3
    assert "no sslmode to nobody.invalid shows every row" in capsys.readouterr().err


def test_the_administrator_s_password_is_not_sent_in_the_clear() -> None:
    load.refuse_plaintext("https://rabbitmq:15671", {})
    load.refuse_plaintext("http://localhost:15672", {})
    load.refuse_plaintext("http://rabbitmq:15672", {"PIN_ALLOW_PLAINTEXT": "rabbitmq"})
    with pytest.raises(SettingsError, match="PIN_BROKER_ADMIN_URL"):
        load.refuse_plaintext("http://rabbitmq:15672", {})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PIN_AMQP_URL": "amqps://rabbitmq/?auth=EXTERNAL"}, "PIN_AMQP_CERT: auth=EXTERNAL"),
        ({"PIN_AMQP_CA": "/nowhere/ca.crt"}, "PIN_AMQP_CA.*No such file"),
        ({"PIN_AMQP_CA": __file__}, "PIN_AMQP_CA.*no certificate"),
        ({"PIN_AMQP_KEY": "/nowhere/key"}, "a key without a certificate"),
        ({"PIN_LEDGER_DSN": SAFE["PIN_LEDGER_DSN"] + "&sslrootcert=/nowhere"}, "sslrootcert.*No such file"),
    ],
)
def test_certificates_that_are_not_there_are_named_at_the_start(settings: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(**settings)
