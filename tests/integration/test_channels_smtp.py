import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.notifier.channels import open_channel
from services.notifier.channels.smtp import SmtpChannel
from services.notifier.outcome import Outcome, Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Mail
from shared.crypto.secret import Secret
from tests.integration.fake_providers import SmtpServer

SENT = Sent("4ZX1pQ")


def mail(local: str) -> Outgoing:
    return Outgoing(
        uuid4(),
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        1,
        Mail(f"{local}@example.it", "Il PIN", Secret("Ecco:\n\nABCD2345\n\n.fine\n"), "it"),
    )


@asynccontextmanager
async def channel(port: int, *, fault: str = "", **settings: object) -> AsyncIterator[SmtpChannel]:
    """Open a channel that waits as long as a busy machine may take, and for a silent server only a moment."""
    moment = 0.3 if fault in {"hang", "drip"} else 9
    limits = {
        "smtp_connect_timeout": timedelta(seconds=moment + 0.2),
        "smtp_step_timeout": timedelta(seconds=moment),
        "smtp_mail_timeout": timedelta(seconds=2 * moment),
        "smtp_connections": 2,
    }
    opened = open_channel(
        "email",
        NotifierSettings.model_validate(
            {"smtp_host": "127.0.0.1", "smtp_port": port, "mail_from": "PIN <pin@example.it>"}
            | limits
            | settings
        ),
    )
    assert isinstance(opened, SmtpChannel)
    try:
        yield opened
    finally:
        await opened.close()


async def sent(email: SmtpChannel, batch: list[Outgoing]) -> list[Outcome]:
    """Send a batch; return its judged outcomes."""
    hearing = Hearing()
    return list(hearing.verdict(batch, await email.send(batch, hearing)).outcomes)


async def outcome_beside_others(server: SmtpServer, local: str, fault: str) -> Outcome:
    """Return the outcome of one mail; assert that its neighbours were sent."""
    batch = [mail("one"), mail(local), mail("two"), mail("three")]
    async with channel(server.port, fault=fault) as email:
        first, outcome, *others = await sent(email, batch)
    assert [first, *others] == [SENT] * 3
    assert all(server.texts(neighbour) for neighbour in ("one", "two", "three"))
    return outcome


@pytest.mark.parametrize(
    ("stage", "fault", "expected"),
    [
        ("rcpt", "450 4.2.0 greylisted", Postponed("smtp_450")),
        ("rcpt", "550 5.1.1 <bad@example.it> unknown", Refused("smtp_550")),
        ("rcpt", "554 5.7.1 relay access denied", Postponed("smtp_554")),
        ("rcpt", "421 4.7.0 too many", Postponed("smtp_421")),
        ("rcpt", "452 4.2.2 mailbox full", Postponed("smtp_452")),
        ("rcpt", "530 5.7.0 authentication required", Postponed("smtp_530")),
        ("rcpt", "503 5.5.1 bad sequence", Postponed("smtp_503")),
        ("rcpt", "drop", Postponed("smtp_dropped_rcpt")),
        ("rcpt", "drip", Postponed("smtp_timeout_rcpt")),
        ("rcpt", "rubbish", Postponed("smtp_garbled")),
        ("data", "451 4.3.0 later", Postponed("smtp_451")),
        ("data", "554 5.6.0 no", Refused("smtp_554")),
        ("data", "drop", Postponed("smtp_dropped_data")),
        ("dot", "452 4.3.1 disk full", Postponed("smtp_452")),
        ("dot", "552 5.2.3 too large", Refused("smtp_552")),
        ("dot", "421 4.3.0 leaving", Postponed("smtp_421")),
        ("dot", "drop", Postponed("smtp_dropped_data")),
        ("dot", "drip", Postponed("smtp_timeout_data")),
        ("dot", "hang", Postponed("smtp_timeout_data")),
    ],
)
async def test_what_happens_to_one_mail_is_its_outcome_alone(
    stage: str, fault: str, expected: Outcome
) -> None:
    async with SmtpServer() as server:
        server.faults[stage, "bad"] = fault
        assert await outcome_beside_others(server, "bad", fault) == expected


@pytest.mark.parametrize(
    ("stage", "fault", "reason"),
    [
        ("rcpt", "421 4.7.0 too many", "smtp_421"),
        ("rcpt", "530 5.7.0 authentication required", "smtp_530"),
        ("rcpt", "554 5.7.1 relay access denied", "smtp_554"),
        ("rcpt", "drop", "smtp_dropped_rcpt"),
        ("dot", "452 4.3.1 disk full", "smtp_452"),
        ("dot", "hang", "smtp_timeout_data"),
    ],
)
async def test_what_happens_to_every_recipient_is_the_server_s_state_and_it_is_asked_no_further(
    stage: str, fault: str, reason: str
) -> None:
    async with SmtpServer(faults={stage: fault}) as server, channel(server.port, fault=fault) as email:
        outcomes = await sent(email, [mail(f"m{n}") for n in range(20)])
        assert set(outcomes) == {Unreachable(reason), Unreachable("not_tried")}
        assert server.connections <= 4


@pytest.mark.parametrize("fault", ["450 4.7.1 greylisted", "451 4.3.0 later", "550 5.1.1 unknown"])
async def test_a_greylist_for_everybody_keeps_nobody_from_being_asked(fault: str) -> None:
    async with SmtpServer(faults={"rcpt": fault}) as server, channel(server.port) as email:
        outcomes = await sent(email, [mail(f"m{n}") for n in range(9)])
        assert {type(outcome) for outcome in outcomes} <= {Postponed, Refused}
        assert server.resets == 9


@pytest.mark.parametrize("address", ["two words@example.it", "a@b@example.it", "<x>@example.it", "nobody"])
async def test_an_address_that_smtp_cannot_carry_is_refused_before_anything_is_sent(address: str) -> None:
    async with SmtpServer() as server, channel(server.port) as email:
        bad = Outgoing(uuid4(), datetime(2026, 3, 1, tzinfo=UTC), 1, Mail(address, "x", Secret("x"), "it"))
        assert await sent(email, [bad, mail("one")]) == [Refused("bad_address", unasked=True), SENT]
        assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("stage", "fault", "expected"),
    [
        ("greeting", "554 5.0.0 no service", Unreachable("smtp_connect_554")),
        ("greeting", "421 4.3.2 too busy", Unreachable("smtp_connect_421")),
        ("greeting", "drop", Unreachable("smtp_connect")),
        ("greeting", "hang", Unreachable("smtp_connect_timeout")),
        ("greeting", "drip", Unreachable("smtp_connect_timeout")),
        ("mail", "550 5.7.1 sender refused", Unreachable("smtp_550")),
        ("mail", "421 4.3.2 shutting down", Unreachable("smtp_421")),
        ("mail", "451 4.3.0 later", Unreachable("smtp_451")),
        ("mail", "452 4.3.1 no room", Unreachable("smtp_452")),
        ("mail", "drop", Unreachable("smtp_dropped_mail")),
        ("mail", "hang", Unreachable("smtp_timeout_mail")),
    ],
)
async def test_before_a_recipient_is_named_no_mail_is_at_fault_and_the_server_is_not_asked_for_each(
    stage: str, fault: str, expected: Outcome
) -> None:
    async with SmtpServer(faults={stage: fault}) as server, channel(server.port, fault=fault) as email:
        assert await sent(email, [mail(f"m{n}") for n in range(20)]) == [expected] * 20
        assert server.connections == 2


async def test_a_refused_connection_is_an_outage() -> None:
    async with SmtpServer() as server:
        port = server.port
    async with channel(port) as email:
        assert await sent(email, [mail("one"), mail("two")]) == [Unreachable("smtp_connect")] * 2


async def test_a_repeat_sends_the_same_bytes() -> None:
    """R5: the second copy is identical, whatever the outcome of the first."""
    async with SmtpServer() as server, channel(server.port) as email:
        outgoing = mail("again")
        server.faults["dot", "again"] = "drop"
        assert await sent(email, [outgoing]) == [Postponed("smtp_dropped_data")]
        server.faults.clear()
        assert await sent(email, [outgoing]) == [SENT]
        first, second = server.texts("again")
        assert first == second
        assert f"<{outgoing.id.hex}@example.it>".encode() in first


async def test_a_server_that_offers_dsn_is_told_that_a_bounce_brings_no_text_back() -> None:
    """RFC 3461: only the headers, the delivery's id, failures alone, and the address as it was written."""
    async with SmtpServer(extension="DSN") as server, channel(server.port, smtp_connections=1) as email:
        outgoing = mail("a+b=c")
        assert await sent(email, [outgoing, mail("one")]) == [SENT] * 2
        assert server.envelopes[:2] == [
            f"MAIL FROM:<pin@example.it> RET=HDRS ENVID={outgoing.id.hex}",
            "RCPT TO:<a+b=c@example.it> NOTIFY=FAILURE ORCPT=rfc822;a+2Bb+3Dc@example.it",
        ]
        assert len(server.envelopes) == 4


async def test_a_server_that_offers_no_dsn_is_sent_no_parameter() -> None:
    async with SmtpServer() as server, channel(server.port) as email:
        assert await sent(email, [mail("one")]) == [SENT]
        assert server.envelopes == ["MAIL FROM:<pin@example.it>", "RCPT TO:<one@example.it>"]


@pytest.mark.parametrize("reply", ["501 5.5.4 bad", "504 no", "555 5.5.4 no such", "550 5.5.4 no", "500 eh"])
@pytest.mark.parametrize("stage", ["mail", "rcpt"])
async def test_a_server_that_refuses_the_parameters_it_offers_gets_the_mail_without_and_is_asked_once(
    stage: str, reply: str
) -> None:
    faults = {f"{stage} parameters": reply}
    async with (
        SmtpServer(extension="DSN", faults=faults) as server,
        channel(server.port, smtp_connections=1) as email,
    ):
        assert await sent(email, [mail("one"), mail("two"), mail("three")]) == [SENT] * 3
        assert (server.connections, server.resets) == (1, 0)
        assert len(server.envelopes) == 7
        asked = [line for line in server.envelopes if "> " in line]
        assert len([line for line in asked if line.startswith(stage.upper())]) == 1
        assert len(asked) == 4


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
@pytest.mark.parametrize(
    ("reply", "once"),
    [("421 4.3.2 closing", 1), ("451 4.3.0 later", 1), ("550 5.1.1 unknown", 1), ("501 no", 2)],
)
async def test_a_refusal_of_the_mail_itself_is_its_outcome_whether_dsn_is_offered_or_not(
    stage: str, reply: str, once: int
) -> None:
    async with (
        SmtpServer(extension="DSN", faults={stage: reply}) as server,
        SmtpServer(faults={stage: reply}) as plain,
        channel(server.port) as email,
        channel(plain.port) as other,
    ):
        assert await sent(email, [mail("one")]) == await sent(other, [mail("one")])
        assert len([line for line in server.envelopes if line.startswith(stage.upper())]) == once


async def test_dsn_is_found_in_what_the_server_says_after_tls_began(certified: ssl.SSLContext) -> None:
    async with (
        SmtpServer(certified, extension="DSN") as server,
        channel(server.port, smtp_host="localhost", smtp_tls="starttls") as email,
    ):
        assert await sent(email, [mail("one")]) == [SENT]
        assert all("> " in line for line in server.envelopes)


async def test_bounces_of_each_mail_go_to_an_address_of_its_own() -> None:
    account = {"mail_bounces": "ritorni@bounces.example.it"}
    async with SmtpServer() as server, channel(server.port, **account) as email:
        outgoing = mail("one")
        assert await sent(email, [outgoing]) == [SENT]
        assert server.envelopes[0] == f"MAIL FROM:<ritorni+{outgoing.id.hex}@bounces.example.it>"
        assert b"From: PIN <pin@example.it>" in server.texts("one")[0]


async def test_where_subaddresses_do_not_arrive_all_bounces_go_to_one_address() -> None:
    bounces = "ritorni@bounces.example.it"
    async with SmtpServer() as server, channel(server.port, mail_bounces=bounces, mail_verp=False) as email:
        assert await sent(email, [mail("one")]) == [SENT]
        assert server.envelopes[0] == f"MAIL FROM:<{bounces}>"


async def test_a_pec_comes_from_its_own_address_and_its_receipts_are_not_interfered_with() -> None:
    """RFC 6109, 3.1.1: the envelope's sender is the one of `From`."""
    settings = NotifierSettings.model_validate(
        {"pec_smtp_host": "127.0.0.1", "pec_from": "PIN <pin@pec.it>", "mail_bounces": "ritorni@example.it"}
    )
    async with SmtpServer(extension="DSN") as server:
        settings = settings.model_copy(update={"pec_smtp_port": server.port})
        pec = open_channel("pec", settings)
        outgoing = mail("one")
        [answer] = await pec.send([outgoing], Hearing())
        await pec.close()
        assert answer == SENT
        assert server.envelopes == [
            f"MAIL FROM:<pin@pec.it> RET=HDRS ENVID={outgoing.id.hex}",
            "RCPT TO:<one@example.it>",
        ]


async def test_an_operator_is_told_once_that_the_relay_offers_no_dsn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with SmtpServer() as server, channel(server.port) as email:
        await sent(email, [mail("one"), mail("two")])
        await sent(email, [mail("three")])
    assert capsys.readouterr().out.count("mail.no_dsn") == 1


async def test_connections_stay_open_and_serve_many_mails() -> None:
    async with SmtpServer() as server, channel(server.port) as email:
        for _ in range(3):
            assert await sent(email, [mail("one")] * 10) == [SENT] * 10
        assert server.connections == 2


async def test_a_connection_is_renewed_after_its_share_of_mails() -> None:
    async with SmtpServer() as server, channel(server.port, smtp_mails_a_connection=5) as email:
        assert await sent(email, [mail("one")] * 20) == [SENT] * 20
        assert server.connections == 4


async def test_a_refusal_resets_the_transaction_and_keeps_the_connection() -> None:
    async with SmtpServer() as server, channel(server.port, smtp_connections=1) as email:
        server.faults["rcpt", "bad"] = "550 5.1.1 unknown"
        assert await sent(email, [mail("bad"), mail("one")]) == [Refused("smtp_550"), SENT]
        assert (server.resets, server.connections) == (1, 1)


async def test_a_server_that_restarts_between_batches_goes_unnoticed() -> None:
    async with SmtpServer() as server, channel(server.port) as email:
        assert await sent(email, [mail("one")] * 4) == [SENT] * 4
        server.drop_all()
        assert await sent(email, [mail("two")] * 4) == [SENT] * 4


@pytest.mark.parametrize("fault", ["421 4.7.0 enough on this connection", "drop"])
async def test_a_kept_connection_that_the_server_ends_before_the_recipient_is_replaced_at_once(
    fault: str,
) -> None:
    async with SmtpServer() as server, channel(server.port, smtp_connections=1) as email:
        assert await sent(email, [mail("one")]) == [SENT]
        server.faults["mail", ""] = fault
        [outcome] = await sent(email, [mail("two")])
        assert isinstance(outcome, Unreachable)
        assert server.connections == 2


@pytest.mark.parametrize("fault", ["421 4.7.0 not for this one", "drop"])
async def test_what_comes_after_the_recipient_was_named_is_not_tried_twice_and_the_next_gets_a_fresh_one(
    fault: str,
) -> None:
    async with SmtpServer() as server, channel(server.port, smtp_connections=1) as email:
        assert await sent(email, [mail("one")]) == [SENT]
        server.faults["rcpt", "two"] = fault
        outcome, other = await sent(email, [mail("two"), mail("three")])
        assert isinstance(outcome, Postponed)
        assert other == SENT
        assert server.connections == 2


async def test_where_tls_is_asked_for_nothing_is_sent_without() -> None:
    async with SmtpServer() as server, channel(server.port, smtp_tls="starttls") as email:
        assert await sent(email, [mail("one")]) == [Unreachable("smtp_connect")]
        assert not server.taken


async def test_a_server_that_speaks_no_tls_is_an_outage_where_tls_is_implicit() -> None:
    async with SmtpServer() as server, channel(server.port, smtp_tls="implicit") as email:
        [outcome] = await sent(email, [mail("one")])
        assert isinstance(outcome, Unreachable)
        assert email._context is not None
        assert email._context.verify_mode is ssl.CERT_REQUIRED


async def test_where_a_login_is_set_and_the_server_offers_none_nothing_is_sent() -> None:
    async with SmtpServer() as server, channel(server.port, smtp_user="pin", smtp_password="x") as email:
        assert await sent(email, [mail("one")]) == [Unreachable("smtp_connect")]
        assert not server.taken


async def test_a_line_that_begins_with_a_dot_arrives_as_written() -> None:
    async with SmtpServer() as server, channel(server.port) as email:
        await sent(email, [mail("one")])
        assert b"\r\n..fine\r\n" in server.texts("one")[0]


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's TLS context, whose certificate for `localhost` this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "certificate").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate"))
    return context


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_over_tls_and_after_the_login_mails_go_out(certified: ssl.SSLContext, tls: str) -> None:
    server = SmtpServer(certified, login="pin:s3cret")
    server.implicit = tls == "implicit"
    account = {"smtp_host": "localhost", "smtp_tls": tls, "smtp_user": "pin", "smtp_password": "s3cret"}
    async with server, channel(server.port, **account) as email:
        assert await sent(email, [mail("one"), mail("two"), mail("three")]) == [SENT] * 3


async def test_a_wrong_password_holds_the_mail_back_and_loses_none(certified: ssl.SSLContext) -> None:
    account = {"smtp_host": "localhost", "smtp_tls": "starttls", "smtp_user": "pin", "smtp_password": "x"}
    async with (
        SmtpServer(certified, login="pin:s3cret") as server,
        channel(server.port, **account) as email,
    ):
        assert await sent(email, [mail("one")]) == [Unreachable("smtp_auth_535")]


async def test_a_certificate_of_somebody_else_is_not_talked_to(certified: ssl.SSLContext) -> None:
    async with SmtpServer(certified) as server, channel(server.port, smtp_tls="starttls") as email:
        # The channel connects to 127.0.0.1, but the certificate is for localhost.
        [outcome] = await sent(email, [mail("one")])
        assert isinstance(outcome, Unreachable)
        assert not server.taken


async def test_a_send_that_is_cut_short_leaves_no_half_used_connection_behind() -> None:
    async with SmtpServer() as server, channel(server.port) as email:
        server.faults["dot", "bad"] = "hang"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await sent(email, [mail("bad")])
        server.faults.clear()
        assert await sent(email, [mail("one")]) == [SENT]
        assert server.connections == 2
        assert len(server.texts("one")) == 1
