"""What can be set about the way to the print shop; each line says what it costs to change it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.config.settings import Settings

_KEY = re.compile(r"(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]+={0,2}")
_NEEDED = (
    "shop_user",
    "shop_host_key",
    "shop_key",
    "shop_certificate",
    "shop_signing_certificate",
    "shop_signing_key",
)


def host_keys(text: str) -> tuple[str, ...]:
    """Return the public keys in the lines of `known_hosts`, or of files `.pub`."""
    return tuple(found for line in text.splitlines() for found in _KEY.findall(line.partition("#")[0]))


def _host_key(value: str) -> str:
    if value and not host_keys(value):
        raise ValueError("has to be the line of `known_hosts`, or of the host's `.pub`")
    return value


class ShopWireSettings(Settings):
    """Settings of the way to the print shop, from `PIN_SHOP_…`."""

    shop_host: str = ""
    """The print shop's SFTP server. Empty: there is none, and letters are left in `PIN_POST_SPOOL`."""
    shop_port: int = Field(default=22, ge=1, le=65535)
    """Of that server."""
    shop_user: str = ""
    """Our name there. A wrong one holds all letters back and loses none."""
    shop_host_key: Annotated[str, AfterValidator(_host_key)] = ""
    """The server's public key: what `ssh-keyscan` prints, compared with what the shop says by another way.
    Several lines while it changes. No other key is accepted, and none on first use: with a wrong one all
    letters wait, and none is lost."""
    shop_key: str = ""
    """File of our SSH key, without a passphrase, its owner's alone (0600)."""
    shop_folder: str = "."
    """Where jobs are put. Another one makes the jobs that lie in the old one unknown: change it with none
    under way, or one may be printed twice."""
    shop_answers: str = "answers"
    """Where the shop leaves its answers; in it we make the folders `taking`, `read` and `unknown`."""
    shop_certificate: str = ""
    """File of the shop's certificate (PEM, RSA): letters are encrypted to it. After a change a job that is
    not yet there goes to the new one; what lies there stays."""
    shop_signing_certificate: str = ""
    """File of our certificate (PEM), which the shop has: with another one it refuses what we sign."""
    shop_signing_key: str = ""
    """File of its private key, RSA or EC, without a passphrase, its owner's alone (0600)."""
    shop_connect_timeout: timedelta = timedelta(seconds=15)
    """To reach the server and log in, in all. Shorter takes a slow network for an outage."""
    shop_step_timeout: timedelta = timedelta(seconds=30)
    """For one request, or one mebibyte. Shorter gives up a slow line, and begins the job anew."""
    shop_transfer_timeout: timedelta = timedelta(minutes=15)
    """For one job in all, and for one look at the answers. Has to suffice for the largest job: a job that
    takes longer never arrives."""

    def faults(self) -> Iterator[str]:
        """Yield what is missing to reach a shop that is named."""
        yield from super().faults()
        if self.shop_host:
            for name in _NEEDED:
                if not getattr(self, name):
                    yield f"PIN_{name.upper()}: is needed with PIN_SHOP_HOST"
