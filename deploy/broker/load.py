"""Loads the definitions, with the users' passwords, into a running broker.

`python -m deploy.broker.load` posts them to the management plugin at `PIN_BROKER_ADMIN_URL`, such as
`https://rabbitmq:15671`, as the user `admin`. The passwords come as for `deploy.broker.render`, the
administrator's as `PIN_BROKER_PASSWORD_ADMIN` or `…_FILE`. Loading adds and replaces, and removes nothing:
it is idempotent. It is also how to change a broker user's password. What it finds and should not be there, or
should and is not, it says (`deploy.broker.remains`) without changing it.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

from deploy.broker import render
from deploy.broker.remains import Broker, concerns
from deploy.errors import PasswordMissingError
from shared.config import plaintext
from shared.config.settings import PlaintextSettings
from shared.errors import SettingsError

_ADMIN = "admin"
_LIMIT = 30


def load(url: str, password: str, definitions: bytes) -> None:
    """Post rendered definitions.

    Raises:
        OSError: the broker cannot be reached or refuses them.
    """
    _ask(url, password, "definitions", definitions)


def state(url: str, password: str) -> Broker:
    """Return what a broker is and has.

    Raises:
        OSError: the broker cannot be reached or refuses to tell.
    """
    asked = ("nodes", "exchanges", "bindings", "queues")
    return Broker(*(json.loads(_ask(url, password, what)) for what in asked))


def _ask(url: str, password: str, what: str, body: bytes | None = None) -> bytes:
    credentials = base64.b64encode(f"{_ADMIN}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    request = urllib.request.Request(  # noqa: S310 - the operator's own URL
        f"{url.rstrip('/')}/api/{what}", body, headers
    )
    with urllib.request.urlopen(request, timeout=_LIMIT) as answer:  # noqa: S310
        told: bytes = answer.read()
    return told


def refuse_plaintext(url: str, environ: Mapping[str, str]) -> None:
    """Refuse to send the administrator's password, and everyone's hashes, over the network in the clear.

    Raises:
        SettingsError: unless `PIN_ALLOW_PLAINTEXT` names the setting or the host.
    """
    shows = "the administrator's password and the users' hashes"
    for one in plaintext.http("PIN_BROKER_ADMIN_URL", url, shows):
        if not one.allowed(PlaintextSettings.load(environ).allow_plaintext):
            raise SettingsError(str(one))
        print(f"{one.setting}: {one.because} to {one.host} shows {one.shows}", file=sys.stderr)


def main() -> int:
    """Load the definitions with the settings of the environment."""
    if not (url := os.environ.get("PIN_BROKER_ADMIN_URL")):
        print("PIN_BROKER_ADMIN_URL is not set", file=sys.stderr)
        return 2
    try:
        refuse_plaintext(url, os.environ)
        definitions = render.from_environment(os.environ)
        password = render.password_of(_ADMIN, os.environ)
        load(url, password, json.dumps(definitions).encode())
        for concern in concerns(state(url, password), definitions):
            print(f"Attention: {concern}")
    except (PasswordMissingError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"the broker's management plugin: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
