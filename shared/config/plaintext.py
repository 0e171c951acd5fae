"""Which connections to other machines can be read, or answered, by whoever is on the way.

A loopback address and a Unix socket never leave the machine; everything else needs TLS with a verified name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

OVERRIDE = "PIN_ALLOW_PLAINTEXT"
_VERIFIED = "verify-full"
"""The one `sslmode` of Postgres that verifies the name too."""


@dataclass(frozen=True, slots=True)
class Plaintext:
    """A connection that is not protected.

    Attributes:
        setting: the variable that leaves it so, such as `PIN_AMQP_URL`.
        host: the other end; empty if the setting names none.
        because: what leaves it so, such as `amqp://`.
        remedy: what to write instead.
        shows: what can be read on the way.
    """

    setting: str
    host: str
    because: str
    remedy: str
    shows: str

    def __str__(self) -> str:
        return (
            f"{self.setting}: {self.because} to {self.host or 'a host not named'} shows {self.shows}: "
            f"use {self.remedy}, or name the setting or the host in {OVERRIDE}"
        )

    def allowed(self, names: frozenset[str]) -> bool:
        """Return whether it is among the settings and hosts that may be in the clear."""
        return self.setting in names or self.host in names


def is_local(host: str) -> bool:
    """Return whether a host is this machine: `localhost`, 127/8, `::1` or a Unix socket's path."""
    if host.startswith("/") or host.casefold() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def amqp(setting: str, url: str) -> Iterator[Plaintext]:
    """Yield what is not protected of a broker's URL, for each of its hosts."""
    parts = urlsplit(url)
    # aiormq verifies nothing for any value but 0, an empty one included; of several it takes the first.
    options = parse_qsl(parts.query, keep_blank_values=True)
    verified = all(value == "0" for name, value in options if name == "no_verify_ssl")
    if parts.scheme == "amqps" and verified:
        return
    because = "no_verify_ssl" if parts.scheme == "amqps" else f"{parts.scheme}://"
    for host in _hosts(parts.netloc):
        if not is_local(host):
            yield Plaintext(setting, host, because, "amqps://", "the log-in at the broker and every message")


def ledger(setting: str, dsn: str) -> Iterator[Plaintext]:
    """Yield what is not protected of a ledger's URL, for each of its hosts."""
    parts = urlsplit(dsn)
    options = dict(parse_qsl(parts.query))
    mode = options.get("sslmode", "")
    if mode == _VERIFIED:
        return
    because = f"sslmode={mode}" if mode else "no sslmode"
    for host in _hosts(parts.netloc.rpartition("@")[2] or options.get("host", "")):
        if not is_local(host):
            yield Plaintext(setting, host, because, f"sslmode={_VERIFIED}", "every row and statement")


def _hosts(netloc: str) -> list[str]:
    return [_without_port(place) for place in netloc.rpartition("@")[2].split(",")]


def _without_port(place: str) -> str:
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return unquote(place.partition(":")[0])


def http(setting: str, url: str, shows: str) -> Iterator[Plaintext]:
    """Yield what is not protected of an HTTP server's URL."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not is_local(host):
        yield Plaintext(setting, host, f"{parts.scheme}://", "https://", shows)


def smpp(setting: str, url: str, shows: str) -> Iterator[Plaintext]:
    """Yield what is not protected of an SMSC's URL."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "smpps" and not is_local(host):
        yield Plaintext(setting, host, f"{parts.scheme}://", "smpps://", shows)


def smtp(setting: str, host: str, tls: str) -> Iterator[Plaintext]:
    """Yield what is not protected of an SMTP account."""
    if tls == "none" and not is_local(host):
        yield Plaintext(setting, host, tls, "starttls or implicit", "every mail, with its half")


def imap(setting: str, host: str, tls: str) -> Iterator[Plaintext]:
    """Yield what is not protected of a mailbox that is read."""
    if tls == "none" and not is_local(host):
        yield Plaintext(
            setting, host, tls, "starttls or implicit", "the password and every mail that comes back"
        )
