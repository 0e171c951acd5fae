"""The settings of one stack, for `.local/env` and for each worker."""

import os
from collections.abc import Mapping
from pathlib import Path

from deploy.local.fake_providers import FakeProviders
from deploy.local.ports import HOST
from deploy.local.postgres import Postgres
from deploy.local.rabbitmq import RabbitMq
from deploy.local.workers import USERS, Worker

CLIENTS = ("portal", "operator", "registry", "gateway", "observer", "supervisor")
_ADDRESSES = frozenset({"PIN_WEB_PORTAL_URL", "PIN_WEB_CONSOLE_URL", "PIN_WEB_MAILBOX_URL"})
"""Of pages: a stack that has none says so by having none of these."""
_DEFAULTS = {
    "PIN_PORTAL_URL": "https://pin.example.it",
    "PIN_INITIAL_VALIDITY": "P60D",
    "PIN_LINK_VALIDITY": "PT24H",
    "PIN_DISPOSITIVO_DELAY": "PT24H",
    "PIN_LOG_LEVEL": "info",
}


def settings(
    state: Path,
    fake_providers: FakeProviders,
    servers: Mapping[str, str],
    chosen: Mapping[str, str],
    pages: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return every setting in use.

    `PIN_*` variables of this process's environment override the defaults, and `chosen` overrides both;
    nothing overrides the addresses of private servers and pages: variables may be left over from another
    start. Where there are pages, links in mails lead to the portal among them.
    """
    pages = pages or {}
    portal = {"PIN_PORTAL_URL": pages["PIN_WEB_PORTAL_URL"]} if pages else {}
    ours = {
        name: text for name, text in os.environ.items() if name.startswith("PIN_") and name not in _ADDRESSES
    }
    keys = {"PIN_KEYS_DIR": str(state / "keys")}
    defaults = _DEFAULTS | portal | _providers(state, fake_providers)
    return defaults | ours | dict(chosen) | keys | dict(servers) | dict(pages)


def _providers(state: Path, fake_providers: FakeProviders) -> dict[str, str]:
    tls = {
        "PIN_SMS_CA": str(fake_providers.ca),
        "PIN_SMTP_TLS": "starttls",
        "PIN_SMTP_CA": str(fake_providers.ca),
        "PIN_PEC_SMTP_TLS": "implicit",
        "PIN_PEC_SMTP_CA": str(fake_providers.ca),
    }
    return (tls if fake_providers.ca else {}) | {
        "PIN_SMS_URL": fake_providers.sms_url,
        "PIN_SMTP_HOST": HOST,
        "PIN_SMTP_PORT": str(fake_providers.smtp_port),
        "PIN_PEC_SMTP_HOST": HOST,
        "PIN_PEC_SMTP_PORT": str(fake_providers.pec_port),
        "PIN_POST_SPOOL": str(state / "spool/post"),
    }


def servers(postgres: Postgres, rabbitmq: RabbitMq, database: str) -> dict[str, str]:
    """Return the URLs of every user of the broker and of a database; those without a name are pinctl's."""
    urls = {f"PIN_{name.upper()}_AMQP_URL": rabbitmq.url(name) for name in (*CLIENTS, *USERS)}
    dsns = {f"PIN_{name.upper()}_LEDGER_DSN": postgres.dsn(name, database) for name in USERS}
    pinctl = {"PIN_AMQP_URL": rabbitmq.url("pinctl"), "PIN_LEDGER_DSN": postgres.dsn("pinctl", database)}
    return pinctl | urls | dsns


def for_worker(everything: Mapping[str, str], worker: Worker, health_port: int) -> dict[str, str]:
    """Return the environment of one worker, with only its own URLs."""
    foreign = ("_AMQP_URL", "_LEDGER_DSN", *(["PIN_KEYS_DIR"] if worker.bare else []))
    own = {name: text for name, text in everything.items() if not name.endswith(foreign)}
    urls = ("AMQP_URL", *([] if worker.bare else ["LEDGER_DSN"]))
    return own | {
        **{f"PIN_{url}": everything[f"PIN_{worker.user.upper()}_{url}"] for url in urls},
        "PIN_HEALTH_PORT": str(health_port),
    }


def write(path: Path, everything: Mapping[str, str]) -> None:
    """Write the settings as `KEY=value` lines, readable by their owner only."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.touch(mode=0o600)
    unfinished.write_text("".join(f"{name}={text}\n" for name, text in sorted(everything.items())))
    unfinished.rename(path)
