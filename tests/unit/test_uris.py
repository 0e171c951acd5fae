"""Which addresses an attachment may name (R24): no script, no file, nothing of our own networks."""

import pytest

from shared.domain.policy import PinPolicy
from shared.domain.uris import allowed
from shared.errors import SettingsError
from tests.unit.decisions import POLICY

SCHEMES = POLICY.attachment_schemes
HARMFUL = [
    # what runs, or is of the reader's own machine
    "javascript:alert(1)",
    "javascript://portal.example/%0aalert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data://portal.example/x",
    "file:///etc/passwd",
    "file://portal.example/x",
    "vbscript:msgbox(1)",
    "blob:https://portal.example/x",
    "blob://portal.example/x",
    "http://portal.example/not-sealed",
    "ftp://portal.example/x",
    # no host, or another than it seems
    "https:portal.example",
    "https:/portal.example/x",
    "https:///portal.example/x",
    "https://",
    "https://?x",
    "https://portal.example\\@evil.example/",
    "https:\\\\portal.example/x",
    "https://portal.example/\\evil.example",
    "https://user:password@portal.example/x",
    "https://portal.example@evil.example/x",
    "https://portal.example%40evil.example/x",
    "https://portal.example:443@evil.example/x",
    "https://portal.example:https/x",
    "https://portal.example:/x",
    "https://portal..example/x",
    "https://-portal.example/x",
    "https://.example/x",
    # loopback
    "https://localhost/x",
    "https://localhost./x",
    "https://LOCALHOST/x",
    "https://LocalHost:8443/x",
    "https://a.localhost/x",
    "https://%6cocalhost/x",
    "https://xn--lcalhost-54a.example/x",
    "https://127.0.0.1/x",
    "https://127.0.0.1./x",
    "https://127.1/x",
    "https://127.0.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0x7F.0.0.1/x",
    "https://0177.0.0.1/x",
    "https://017700000001/x",
    "https://0x7f.1/x",
    "https://[::1]/x",
    "https://[0:0:0:0:0:0:0:1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::FFFF:7f00:1]/x",
    "https://[::127.0.0.1]/x",
    "https://[64:ff9b::127.0.0.1]/x",
    "https://[2002:7f00:1::]/x",
    "https://[::1%25eth0]/x",
    # unspecified, private, link-local, multicast, broadcast
    "https://0/x",
    "https://0.0.0.0/x",
    "https://[::]/x",
    "https://10.0.0.5/x",
    "https://172.16.0.1/x",
    "https://192.168.1.1/x",
    "https://192.168.257/x",
    "https://100.64.0.1/x",
    "https://[fc00::1]/x",
    "https://[fe80::1]/x",
    "https://224.0.0.1/x",
    "https://[ff02::1]/x",
    "https://255.255.255.255/x",
    # where clouds keep their secrets
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/x",
    "https://2852039166/x",
    "https://0251.0376.0251.0376/x",
    "https://169.16689662/x",
    "https://[::ffff:169.254.169.254]/x",
    "https://[64:ff9b::a9fe:a9fe]/x",
    "https://[fd00:ec2::254]/x",
    "https://metadata.google.internal/x",
    "https://METADATA.google.internal./x",
    "https://metadata/x",
    # no number of any kind
    "https://1.2.3.4.5/x",
    "https://256.256.256.256/x",
    "https://08.1.1.1/x",
    "https://0xzz/x",
    "https://[1:2]/x",
    # names of our own network
    "https://intranet/x",
    "https://archive.internal/x",
    "https://archive.local/x",
    "https://db.svc/x",
    "https://kubernetes.default.svc.cluster.local/x",
    "s3://localhost/x",
    "s3://127.0.0.1/x",
    "s3://user:key@bucket/x",
    "s3:///x",
]


@pytest.mark.parametrize("uri", HARMFUL)
def test_an_address_that_could_harm_is_not_allowed(uri: str) -> None:
    """R24."""
    assert not allowed(uri, SCHEMES, ())


@pytest.mark.parametrize(
    "uri",
    [
        "https://portal.example/documents/1.pdf",
        "https://documents.example.it:8443/form.pdf?a=b@c&d=http://10.0.0.1/#e",
        "https://PORTAL.example./x",
        "https://localhost.portal.example/x",
        "https://internal.example.it/x",
        "https://8.8.8.8/x",
        "https://[2001:4860:4860::8888]:443/x",
        "https://portal.example",
        "s3://documents/1.pdf",
        "s3://documents.of-citizens/2026/1.pdf",
    ],
)
def test_an_address_that_could_be_public_is_allowed(uri: str) -> None:
    """R24."""
    assert allowed(uri, SCHEMES, ())


@pytest.mark.parametrize(
    ("uri", "hosts", "may"),
    [
        ("https://files.example.it/x", {"files.example.it"}, True),
        ("https://FILES.example.it./x", {"Files.Example.it"}, True),
        ("https://files.example.it/x", {"*.example.it"}, True),
        ("https://a.b.example.it/x", {"*.example.it"}, True),
        ("https://example.it/x", {"*.example.it"}, False),
        ("https://evilexample.it/x", {"*.example.it"}, False),
        ("https://files.example.it.evil.example/x", {"files.example.it", "*.example.it"}, False),
        ("https://portal.example/x", {"files.example.it"}, False),
        ("https://archive.internal/x", {"archive.internal"}, True),
        ("https://other.internal/x", {"archive.internal"}, False),
        ("https://10.0.0.5/x", {"10.0.0.5"}, True),
        ("https://0x0a000005/x", {"10.0.0.5"}, True),
        ("https://10.0.0.6/x", {"10.0.0.5"}, False),
        ("https://[fd00::1]/x", {"fd00::1"}, True),
        ("https://localhost@files.example.it/x", {"files.example.it"}, False),
        ("https://1.example.it.7/x", {"*.7"}, False),
        ("s3://documents/x", {"documents"}, True),
        ("s3://others/x", {"documents"}, False),
    ],
)
def test_a_setting_names_the_hosts(uri: str, hosts: set[str], *, may: bool) -> None:
    """R24: those alone, and one of our own network if it is named."""
    assert allowed(uri, SCHEMES, hosts) is may


def test_a_setting_names_the_schemes_but_never_one_that_runs() -> None:
    """R24."""
    policy = PinPolicy.load({"PIN_ATTACHMENT_SCHEMES": "HTTPS, gs"})
    assert allowed("gs://bucket/x", policy.attachment_schemes, ())
    assert not allowed("s3://bucket/x", policy.attachment_schemes, ())
    for scheme in ("javascript", "Data", "file", "vbscript", "blob"):
        with pytest.raises(SettingsError, match="PIN_ATTACHMENT_SCHEMES"):
            PinPolicy.load({"PIN_ATTACHMENT_SCHEMES": f"https {scheme}"})


@pytest.mark.parametrize("host", ["https://files.example.it", "files.example.it/x", "*", "a b*", "files:443"])
def test_a_setting_that_names_no_host_is_refused_at_the_start(host: str) -> None:
    """R24."""
    with pytest.raises(SettingsError, match="PIN_ATTACHMENT_HOSTS"):
        PinPolicy.load({"PIN_ATTACHMENT_HOSTS": host})
