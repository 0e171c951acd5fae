"""Which addresses an attachment may name: allowed schemes and hosts, and nothing of our own networks (R24).

Nobody here fetches an attachment. An operator's console does, so an address is a way for whoever submits
documents to make that console run a script, or ask a server that only it can reach. This module judges the
text of an address; what a public name resolves to, only the console can tell when it connects.
"""

import re
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

NEVER = frozenset(
    {"javascript", "data", "file", "vbscript", "blob", "filesystem", "about", "view-source", "jar", "intent"}
)
"""Schemes that run, or open something of the reader's own machine: no setting allows them."""

_AUTHORITY = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]+)(?:[/?#].*)?", re.DOTALL)
_HOST_AND_PORT = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::[0-9]{1,5})?")
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*"
)
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_WEB = frozenset({"http", "https", "ftp", "ftps", "sftp"})
"""Schemes whose authority is a host on the internet; that of others, such as `s3`, is the name of a store."""
_OURS = frozenset(
    {
        *("localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan"),
        *("home.arpa", "in-addr.arpa", "ip6.arpa", "svc"),
        *("instance-data", "metadata"),
    }
)
"""Names, and the ends of names, that no public DNS has: they mean the reader's machine or network."""
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""Networks whose addresses end in an IPv4 address that they reach, or once reached."""


def allowed(uri: str, schemes: Collection[str], hosts: Collection[str]) -> bool:
    """Return whether an attachment may have this address.

    Args:
        uri: printable ASCII, as the contract's `Uri`.
        schemes: the allowed ones, in lower case.
        hosts: names (`files.example.it`), all names below one (`*.example.it`), or literal addresses. If
            there are any, only these; they may be in our own networks. If there are none, any that could be
            public.
    """
    parts = _AUTHORITY.fullmatch(uri)
    # A browser reads `\\` as `/`, so that one host stands there for it and another for us.
    if parts is None or "\\" in uri or parts[1] not in schemes or parts[1] in NEVER:
        return False
    authority = _HOST_AND_PORT.fullmatch(parts[2].lower())
    if authority is None:
        return False
    host = authority[1].removesuffix(".")
    address = _address(host)
    if address is None and not _NAME.fullmatch(host):
        return False
    if hosts:
        return _named(host, address, hosts)
    return _public(address) if address else _public_name(host, web=parts[1] in _WEB)


def is_pattern(named: str) -> bool:
    """Return whether a setting names a host in one of the ways that `allowed` reads."""
    return _literal(named) is not None or bool(
        _NAME.fullmatch(named.lower().removesuffix(".").removeprefix("*."))
    )


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a browser reads in a host; decimal, octal, hexadecimal and short forms too.

    A host that ends in a number and is no address is the unspecified one, which nothing allows.
    """
    if host.startswith("["):
        try:
            return IPv6Address(host[1:-1])
        except ValueError:
            return IPv6Address(0)
    *above, last = host.split(".")
    if not _NUMBER.fullmatch(last):
        return None
    try:
        numbers = [_number(part) for part in (*above, last)]
        return _of_parts(numbers)
    except ValueError:
        return IPv4Address(0)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)


def _of_parts(numbers: list[int]) -> IPv4Address:
    """Put the parts together as `inet_aton` does: the last one fills all the bytes that are left."""
    *above, last = numbers
    room = 4 - len(above)
    if room < 1 or last >= 256**room or any(number > 255 for number in above):  # noqa: PLR2004 - a byte
        raise ValueError("no IPv4 address")
    packed = bytes(above) + last.to_bytes(room)
    return IPv4Address(packed)


def _public(address: IPv4Address | IPv6Address) -> bool:
    return all(one.is_global and not one.is_multicast for one in _within(address))


def _within(address: IPv4Address | IPv6Address) -> Iterable[IPv4Address | IPv6Address]:
    """Yield an address and those it carries: a mapped, a translated or a tunnelled one reaches these."""
    yield address
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            yield address.ipv4_mapped
        if address.sixtofour:
            yield address.sixtofour
        if address.teredo:
            yield from address.teredo
        if any(address in network for network in _TRANSLATED):
            yield IPv4Address(address.packed[-4:])


def _public_name(name: str, *, web: bool) -> bool:
    """Return whether a name could be a public one; letters of other scripts (`xn--`) can look like any."""
    labels = name.split(".")
    if any(label.startswith("xn--") for label in labels) or (web and len(labels) == 1):
        return False
    ends = {".".join(labels[place:]) for place in range(len(labels))}
    return _OURS.isdisjoint(ends)


def _named(host: str, address: IPv4Address | IPv6Address | None, hosts: Collection[str]) -> bool:
    if address:
        return any(_literal(named) == address for named in hosts)
    patterns = [named.lower().removesuffix(".") for named in hosts]
    return host in patterns or any(
        pattern.startswith("*.") and host.endswith(pattern[1:]) for pattern in patterns
    )


def _literal(named: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(named.strip("[]"))
    except ValueError:
        return None
