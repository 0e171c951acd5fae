"""Settings come from the environment, prefix `PIN_`; a secret one may come from a file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    PlainValidator,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import core_schema

from shared.config.plaintext import Plaintext
from shared.crypto.secret import Secret
from shared.errors import SettingsError

_ELSEWHERE = re.compile(
    "PIN_("
    "CRASH_FILE"  # shared/worker/crash.py
    "|TEST_(CLUSTER|TLS)"  # tests
    "|CHECKPOINT_(MARGIN|LOG|WINDOW)|COSIGNED_(LOG|WITHIN)|DEAD_RETENTION|OPERATOR_NAME"  # pinctl
    "|ARCHIVE_DIR|ENTRY_RETENTION|LEDGER_OWNER_DSN"  # pinctl
    "|[A-Z]+_(AMQP_URL|LEDGER_DSN)"  # the local stack and the backfill, of several users
    "|WEB_(URL|SECRET|HOST|PORT|SESSION|PATIENCE|SIGNING_KEY|UPLOAD_LIMIT)"  # deploy/web
    "|DOCUMENTS_(URL|ENDPOINT|REGION|KEY|KEY_ID)|CONSOLE_(USERS|ROLES)"  # deploy/web
    "|OIDC_(ISSUER|CLIENT_ID|CLIENT_SECRET|(ID|OFFICE|ROLES)_CLAIM)"  # deploy/web
    "|WEB_(PORTAL|CONSOLE|MAILBOX)_URL"  # where the local stack's pages are
    "|BROKER_(ADMIN_URL|BY_CERTIFICATE)|(BROKER|LEDGER)_PASSWORD_[A-Z]+"  # deploy/
    ")(_FILE)?"
)
"""Variables that are in no group of settings of a worker, but are read elsewhere."""

_LOG_IN = re.compile(r"(?<=://)[^/?#\s]*@")
"""The user and the password in a URL."""


class _SecretField:
    """Reads a `Secret` from text and never shows it."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, Secret) else Secret(str(value)),
        )


SecretSetting = Annotated[Secret, _SecretField()]
Names = Annotated[
    frozenset[str],
    PlainValidator(
        lambda value: (
            frozenset(value.replace(",", " ").split()) if isinstance(value, str) else frozenset(value)
        ),
    ),
]
"""A set of names, separated by commas or spaces."""


class Settings(BaseModel):
    """Base of every group of settings; the field `sms_url` is read from `PIN_SMS_URL`."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read the group from an environment.

        Raises:
            SettingsError: naming every setting that is missing or wrong, at once.
        """
        settings = cls.read(environ)
        if faults := [*settings.faults(), *settings.refused(environ)]:
            raise SettingsError("; ".join(faults))
        return settings

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read the group, each setting by itself.

        Raises:
            SettingsError: naming every setting that is missing or wrong, at once.
        """
        values = {name: text for name in cls.model_fields if (text := _text(name, environ)) is not None}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = [
                f"PIN_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)
            ]
            raise SettingsError("; ".join(faults)) from None

    @classmethod
    def variables(cls, _: Mapping[str, str]) -> Iterator[str]:
        """Yield the variables that the group is read from in an environment, without a file's suffix."""
        yield from (f"PIN_{name.upper()}" for name in cls.model_fields)

    def refused(self, environ: Mapping[str, str]) -> Iterator[str]:
        """Yield the connections in the clear that `PIN_ALLOW_PLAINTEXT` does not name."""
        if found := list(self.plaintext()):
            allowed = PlaintextSettings.load(environ).allow_plaintext
            yield from (str(one) for one in found if not one.allowed(allowed))

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with settings that are right each by itself, with their names."""
        yield from ()

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the connections to other machines that these settings leave in the clear."""
        yield from ()

    def shown(self) -> dict[str, str]:
        """Return the settings as they may be logged: secrets left out, and the log-in of a URL."""
        return {
            name: value.isoformat() if hasattr(value, "isoformat") else _LOG_IN.sub("", as_text(value))
            for name in type(self).model_fields
            if not isinstance(value := getattr(self, name), Secret)
        }


class PlaintextSettings(Settings):
    """What may go over the network in the clear."""

    allow_plaintext: Names = frozenset()
    """Settings (`PIN_AMQP_URL`) or hosts (`rabbitmq`) whose connection may do without TLS, or without a
    verified name. Whoever is on the way then reads what passes, and can answer in the server's name; at every
    start a warning says what that is ([`settings.plaintext`](logs.md)). Loopback addresses need no entry."""


def load_all(environ: Mapping[str, str], groups: Iterable[type[Settings]]) -> list[Settings]:
    """Read several groups.

    Raises:
        SettingsError: naming every setting of all of them that is missing or wrong, at once.
    """
    read: list[Settings] = []
    faults: list[str] = []
    for group in groups:
        try:
            read.append(group.load(environ))
        except SettingsError as fault:
            faults.append(str(fault))
    if faults:
        raise SettingsError("; ".join(faults))
    return read


def unknown(environ: Mapping[str, str], groups: Iterable[type[Settings]]) -> dict[str, str | None]:
    """Return the unknown variables `PIN_…` of an environment, each with the nearest known one.

    Args:
        environ: of one process, which may include settings of others.
        groups: every group of settings that any worker has.
    """
    names = [name.removeprefix("PIN_") for group in groups for name in group.variables(environ)]
    known = {f"PIN_{name}{suffix}" for name in names for suffix in ("", "_FILE")}
    given = sorted(name for name in environ if name.startswith("PIN_") and not _ELSEWHERE.fullmatch(name))
    return {name: _nearest(name, names) for name in given if name not in known}


def _nearest(variable: str, names: list[str]) -> str | None:
    # Without the common prefix and suffix, which would make any two similar.
    found = get_close_matches(variable.removeprefix("PIN_").removesuffix("_FILE"), names, n=1)
    return f"PIN_{found[0]}" if found else None


def _text(name: str, environ: Mapping[str, str]) -> str | None:
    variable = f"PIN_{name.upper()}"
    if path := environ.get(f"{variable}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{variable}_FILE: {error.strerror}") from None
    return environ.get(variable)


_duration = TypeAdapter(timedelta)


def as_text(value: Any) -> str:  # noqa: ANN401 - any setting
    """Return a setting that is not secret as text, as it could be given."""
    if isinstance(value, timedelta):
        return str(_duration.dump_python(value, mode="json"))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return str(value)
