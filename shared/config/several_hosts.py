"""URLs that name several hosts, such as `postgresql://issuer@one:5432,two:5432/ledger`."""

from urllib.parse import urlsplit


def each(url: str) -> list[str]:
    """Return one URL for each host that a URL names between commas, in their order."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{login}{at}{host}").geturl() for host in hosts.split(",")]
