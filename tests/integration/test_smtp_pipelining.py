"""Commands that go in one write have the outcomes of those that go one by one (RFC 2920)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.notifier.outcome import Outcome, Refused
from tests.integration.fake_providers import SmtpServer
from tests.integration.test_channels_smtp import SENT, channel, mail, sent

FAULTS = [
    (stage, fault)
    for stage, faults in {
        "mail": (
            *("421 4.3.2 leaving", "451 4.3.0 later", "550 5.7.1 sender refused", "501 no", "drop", "hang"),
        ),
        "rcpt": (
            *("250-odd\r\n250 fine", "251 forwarded", "252 perhaps", "450 4.2.0 greylisted"),
            *("452 4.2.2 full", "550 5.1.1 unknown", "550-5.1.1 no\r\n550 5.1.1 unknown", "501 no"),
            *("421 4.7.0 too many", "503 5.5.1 bad sequence", "drop", "hang", "drip", "rubbish"),
        ),
        "data": (
            *("451 4.3.0 later", "421 4.3.0 leaving", "554 5.6.0 no", "250 odd", "drop", "hang", "rubbish"),
        ),
        "dot": (*("452 4.3.1 full", "552 5.2.3 too large", "421 4.3.0 leaving", "251 odd", "drop", "hang"),),
    }.items()
    for fault in faults
]


async def _beside(extension: str, stage: str, fault: str, *, lax: bool) -> Sequence[Outcome]:
    """Return the outcomes of one mail that meets a fault on a connection that was used, and of the next."""
    async with (
        SmtpServer(extension=extension, lax=lax) as server,
        channel(server.port, fault=fault, smtp_connections=1) as email,
    ):
        assert await sent(email, [mail("one")]) == [SENT]
        server.faults[stage, "bad" if stage != "mail" else ""] = fault
        met = await sent(email, [mail("bad")])
        server.faults.clear()
        met += await sent(email, [mail("two")])
        assert len(server.texts("two")) == 1
        assert [to for to, text in server.taken if text != b".\r\n"].count("bad@example.it") <= 1
        return met


@pytest.mark.parametrize("lax", [False, True], ids=["strict", "lax"])
@pytest.mark.parametrize("dsn", ["8BITMIME", "DSN"])
@pytest.mark.parametrize(("stage", "fault"), FAULTS)
async def test_an_outcome_is_the_same_both_ways(stage: str, fault: str, dsn: str, lax: bool) -> None:  # noqa: FBT001
    one_by_one, together = await asyncio.gather(
        _beside(dsn, stage, fault, lax=lax), _beside(f"{dsn},PIPELINING", stage, fault, lax=lax)
    )
    assert together == one_by_one
    assert together[1] == SENT


async def test_a_refusal_keeps_the_connection_and_lets_no_text_go_to_anybody() -> None:
    """Also where the server lets a text follow for nobody: an empty one does."""
    for lax in (False, True):
        async with (
            SmtpServer(extension="PIPELINING", lax=lax) as server,
            channel(server.port, smtp_connections=1) as email,
        ):
            server.faults["rcpt", "bad"] = "550 5.1.1 unknown"
            batch = [mail("one"), mail("bad"), mail("two")]
            assert await sent(email, batch) == [SENT, Refused("smtp_550"), SENT]
            assert (server.resets, server.connections) == (1, 1)
            assert [text for to, text in server.taken if not to] == ([b".\r\n"] if lax else [])


@pytest.mark.parametrize("stage", ["mail", "rcpt"])
async def test_parameters_that_a_server_no_longer_takes_are_left_off(stage: str) -> None:
    async with (
        SmtpServer(extension="DSN,PIPELINING") as server,
        channel(server.port, smtp_connections=1) as email,
    ):
        assert await sent(email, [mail("one")]) == [SENT]
        server.faults[f"{stage} parameters", ""] = "501 5.5.4 not any more"
        assert await sent(email, [mail("two"), mail("three"), mail("four")]) == [SENT] * 3
        assert server.connections == 1
        last = next(line for line in server.envelopes[::-1] if line.startswith(stage.upper()))
        assert "> " not in last


async def test_what_nobody_asked_for_is_no_reply_to_the_next_mail() -> None:
    async with (
        SmtpServer(extension="PIPELINING") as server,
        channel(server.port, smtp_connections=1) as email,
    ):
        server.faults["dot", "one"] = "250 2.0.0 Ok: queued as 4ZX1pQ\r\n250 2.1.0 Ok"
        assert await sent(email, [mail("one")]) == [SENT]
        server.faults["rcpt", "bad"] = "550 5.1.1 unknown"
        assert await sent(email, [mail("bad"), mail("two")]) == [Refused("smtp_550"), SENT]
        assert server.connections == 2


@asynccontextmanager
async def _waits_for_all(read: list[list[str]]) -> AsyncIterator[int]:
    """A server that answers the second mail's commands when all have come, in one write."""

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def line() -> str:
            return (await reader.readuntil(b"\r\n")).decode().strip()

        writer.write(b"220 here\r\n")
        await line()
        writer.write(b"250-here\r\n250 PIPELINING\r\n")
        for reply in (b"250 a\r\n", b"250 b\r\n", b"354 c\r\n"):
            await line()
            writer.write(reply)
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 2.0.0 Ok: queued as 4ZX1pQ\r\n")
        read.append([await line() for _ in range(3)])
        for piece in (b"25", b"0 a\r\n250-b\r\n25", b"0 b\r\n354 c\r\n"):
            writer.write(piece)
            await asyncio.sleep(0.01)
        read.append([(await reader.readuntil(b"\r\n.\r\n")).decode()])
        writer.write(b"250 2.0.0 Ok: queued as 4ZX1pQ\r\n")
        await line()
        writer.close()

    server = await asyncio.start_server(session, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_all_commands_before_the_text_go_in_one_write() -> None:
    read: list[list[str]] = []
    async with _waits_for_all(read) as port, channel(port, smtp_connections=1) as email:
        assert await sent(email, [mail("one"), mail("two")]) == [SENT] * 2
    assert read[0] == ["MAIL FROM:<pin@example.it>", "RCPT TO:<two@example.it>", "DATA"]
    assert "\r\n..fine\r\n" in read[1][0]
