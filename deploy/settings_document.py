"""Writes `docs/settings.md`, or checks the one that is committed.

`python -m deploy.settings_document` writes it; with `--check` it tells whether the committed one is what
the groups of settings say.
"""

import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from deploy.pinctl.settings import (
    ArchiveSettings,
    BrokerSettings,
    CheckpointSettings,
    DeadSettings,
    KeySettings,
    LedgerSettings,
    OperatorSettings,
    OwnerSettings,
)
from deploy.web.console.settings import ConsoleSettings
from deploy.web.settings import WebSettings
from services.issuer.settings import AccessSettings
from services.notifier.canary.settings import CanarySettings
from services.notifier.mailbox.pec_settings import PecSettings
from services.notifier.mailbox.settings import MailboxSettings
from services.notifier.settings import AcceptanceSettings, NotifierSettings
from services.notifier.shop.settings import PrintJobSettings
from services.notifier.shop.wire_settings import ShopWireSettings
from shared.config.field_docs import field_doc
from shared.config.settings import PlaintextSettings, SecretSetting, Settings, as_text
from shared.contract.generated import Generated
from shared.crypto.secret import Secret
from shared.crypto.signing import SenderKeys
from shared.domain.policy import PinPolicy
from shared.worker.settings import WorkerSettings

DOCUMENT = Path(__file__).parents[1] / "docs/settings.md"


@dataclass(frozen=True, slots=True)
class Section:
    """Some groups, and who reads them."""

    title: str
    readers: str
    groups: tuple[type[Settings], ...]


SECTIONS = (
    Section("Servers, keys, the shell", "every worker, and the backfill", (WorkerSettings,)),
    Section("Without TLS", "whatever connects to a server", (PlaintextSettings,)),
    Section("The life of a PIN", "every worker, and the backfill", (PinPolicy,)),
    Section("Log-in", "`issuer-access`", (AccessSettings,)),
    Section(
        "Channels",
        "`notifier-sms`, `notifier-email`, `notifier-pec`, `notifier-post`: none starts with one wrong",
        (NotifierSettings,),
    ),
    Section("PEC without an answer", "`notifier-pec`, `notifier-receipts`", (AcceptanceSettings,)),
    Section("Mailboxes", "`notifier-mailbox`", (MailboxSettings,)),
    Section("PEC receipts", "`notifier-mailbox`", (PecSettings,)),
    Section("The print shop: jobs", "`notifier-post`, with `PIN_SHOP_HOST`", (PrintJobSettings,)),
    Section(
        "The print shop: the wire",
        "`notifier-post`, which does not start with a file missing that they name",
        (ShopWireSettings,),
    ),
    Section("Canaries", "`notifier-receipts`", (CanarySettings,)),
    Section(
        "pinctl",
        "`pinctl`, where the command needs them",
        (
            BrokerSettings,
            LedgerSettings,
            OperatorSettings,
            KeySettings,
            CheckpointSettings,
            ArchiveSettings,
            OwnerSettings,
            DeadSettings,
        ),
    ),
    Section("Pages", "the portal and the console", (WebSettings,)),
    Section("The console", "the console, beside those of all pages", (ConsoleSettings,)),
)
_HEAD = """\
# Settings

<!-- Written by `python -m deploy.settings_document`: change the groups of settings, not this page. -->

Settings come from the environment. In place of any of them `PIN_…_FILE` may name a file that holds it:
so are secret ones mounted. A duration is written by ISO 8601, such as `PT24H` or `P60D`; commas or blanks
separate names.

A process reads whole groups. It names every setting of them that is missing or wrong, and exits with
status 2. Of a `PIN_…` that nobody reads a worker warns ([`settings.unknown`](logs.md)).
"""
_TAIL = """\
## Read elsewhere

- `PIN_BROKER_PASSWORD_<USER>` and `PIN_LEDGER_PASSWORD_<ROLE>`, or `…_FILE`: by what makes the users of the
  broker ([`deploy/broker/render.py`](../deploy/broker/render.py)) and the roles of the ledger
  ([`deploy/postgres/passwords.py`](../deploy/postgres/passwords.py)).
- `PIN_BROKER_BY_CERTIFICATE`, the users of the broker who get no password ([TLS](operations.md#tls)): by
  [`deploy/broker/render.py`](../deploy/broker/render.py).
- `PIN_BROKER_ADMIN_URL`: by [`deploy/broker/load.py`](../deploy/broker/load.py) (the queues).
- `PIN_DISPOSITIVO_LEDGER_DSN`, in place of `PIN_LEDGER_DSN`: by the
  [backfill](../services/dispositivo/backfill.py). A local stack has the like for every user, in `.local/env`.
- `PIN_WEB_PORTAL_URL`, `PIN_WEB_CONSOLE_URL` and `PIN_WEB_MAILBOX_URL` in `.local/env`: where a local stack's
  pages are ([`deploy/local/web_pages.py`](../deploy/local/web_pages.py)); `make up` prints them.
- `PIN_CRASH_FILE`: by workers that a test wants dead ([`shared/worker/crash.py`](../shared/worker/crash.py)).
"""


def text() -> str:
    """Return the page as it has to be committed."""
    return "\n".join([_HEAD, *(line for section in SECTIONS for line in _section(section)), _TAIL])


def _section(section: Section) -> Iterator[str]:
    home = os.path.relpath(inspect.getfile(section.groups[0]), DOCUMENT.parent)
    yield f"## {section.title}\n\nRead by {section.readers}."
    yield f"Defined in [`{home.removeprefix('../')}`]({home}).\n"
    yield "| variable | value | default | what it is, and what a change costs |\n|---|---|---|---|"
    on_page = {group for one in SECTIONS for group in one.groups}
    for group in section.groups:
        above = {name for base in group.__mro__[1:] if base in on_page for name in base.model_fields}
        for name, field in group.model_fields.items():
            if name in above:  # it stands in the section of the group that this one extends
                continue
            yield f"| `PIN_{name.upper()}` | {_value(field)} | {_default(field)} | {_meaning(group, name)} |"
    yield ""


def _value(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(field.annotation))
    bounds = (
        f"{word} {getattr(limit, name)}"
        for limit in field.metadata
        for name, word in (("ge", "at least"), ("le", "at most"))
        if hasattr(limit, name)
    )
    return ", ".join((_KINDS[field.annotation], *bounds))


_KINDS: dict[Any, str] = {
    Secret: "secret",
    Path: "path",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    timedelta: "duration",
    time: "time of day",
    Path | None: "path",
    timedelta | None: "duration",
    SecretSetting | None: "secret",
    frozenset[str]: "names",
    SenderKeys: "`user:key`, several",
}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "none: required"
    if field.default is None:
        return "none"
    if isinstance(field.default, Secret) or not as_text(field.default):
        return "empty"
    return f"`{as_text(field.default)}`"


def _meaning(group: type[Settings], name: str) -> str:
    return " ".join(field_doc(group, name).split()).replace("|", r"\|")


_GENERATED = Generated("deploy.settings_document", DOCUMENT, text)
staleness = _GENERATED.staleness


def main(words: Sequence[str] | None = None) -> int:
    """Write or check the page; return the exit status."""
    return _GENERATED.main(words, __doc__)


if __name__ == "__main__":
    sys.exit(main())
