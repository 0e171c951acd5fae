"""Fake providers: a mail server and an SMS gateway with configurable faults by recipient."""

import asyncio
import contextlib
import json
import ssl
from base64 import b64decode
from collections import Counter
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.test_utils import TestServer


class SmtpServer:
    """Accepts mail, except for the faults in `faults`.

    A fault is looked up under (stage, local part of the recipient), or (stage, "") for all; the stages are
    `greeting`, `mail`, `rcpt`, `data` and `dot`; `mail parameters` and `rcpt parameters` strike only commands
    that have some. It is a reply, or `drop`, `drip` or `hang`.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        login: str = "",
        faults: dict[str, str] | None = None,
        extension: str = "8BITMIME",
        *,
        lax: bool = False,
    ) -> None:
        self.lax = lax
        self.extension = extension
        self.envelopes: list[str] = []
        self.faults = {(stage, ""): fault for stage, fault in (faults or {}).items()}
        self.context = context
        self.implicit = False
        self.login = login
        self.taken: list[tuple[str, bytes]] = []
        self.connections = 0
        self.resets = 0
        self.port = 0
        self._sessions: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._session, "127.0.0.1", 0, ssl=self.context if self.implicit else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._server.close()
        self.drop_all()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._server.wait_closed()

    def drop_all(self) -> None:
        """Close all connections, as a restarting server does."""
        for session in self._sessions:
            session.cancel()

    def texts(self, local: str) -> list[bytes]:
        """Return all complete mails for a recipient, whatever the reply was."""
        return [message for to, message in self.taken if to.startswith(f"{local}@")]

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._sessions.add(task)
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._sessions.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to, mailed = "", False
        trusted = not self.login
        await self._answer(writer, "greeting", to, "220 ready")
        while line := (await reader.readuntil(b"\r\n")).decode():
            match line[:4].upper():
                case "EHLO" | "STAR":
                    await self._introduce(writer, line)
                case "AUTH":
                    trusted = b64decode(line.split()[2]).decode() == f"\0{self.login.replace(':', chr(0))}"
                    writer.write(b"235 2.7.0 welcome\r\n" if trusted else b"535 5.7.8 no\r\n")
                case "MAIL":
                    good = "250 2.1.0 Ok" if trusted else "530 5.7.0 log in"
                    to, mailed = "", await self._answer(writer, self._envelope("mail", line), "", good)
                case "RCPT":
                    to = await self._name(writer, line, mailed=mailed) or to
                case "DATA":
                    await self._take(reader, writer, to)
                    to, mailed = "", False
                case "RSET":
                    to, mailed = "", False
                    self.resets += 1
                    writer.write(b"250 2.0.0 Ok\r\n")
                case _:
                    writer.write(b"221 2.0.0 Bye\r\n")
                    return

    async def _name(self, writer: asyncio.StreamWriter, line: str, *, mailed: bool) -> str:
        """Answer RCPT; return the recipient, if it is one now."""
        stage, named = self._envelope("rcpt", line), line[9:].partition(">")[0]
        if not mailed:
            writer.write(b"503 5.5.1 nobody sends it\r\n")
            return ""
        return named if await self._answer(writer, stage, named, "250 2.1.5 Ok") else ""

    def _envelope(self, stage: str, line: str) -> str:
        self.envelopes.append(line.rstrip("\r\n"))
        struck = f"{stage} parameters"
        return struck if "> " in line and (struck, "") in self.faults else stage

    async def _introduce(self, writer: asyncio.StreamWriter, line: str) -> None:
        if line.startswith("STAR"):
            assert self.context
            writer.write(b"220 go on\r\n")
            await writer.drain()
            await writer.start_tls(self.context)
            return
        secure = writer.get_extra_info("sslcontext")
        starttls = b"250-STARTTLS\r\n" if self.context and not secure else b""
        login = b"250-AUTH PLAIN\r\n" if self.login and secure else b""
        *others, last = self.extension.split(",")
        offered = "".join([f"250-{other}\r\n" for other in others]) + f"250 {last}\r\n"
        writer.write(b"250-here\r\n" + starttls + login + offered.encode())

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: str) -> None:
        if not (to or self.lax):
            writer.write(b"554 5.5.1 it is for nobody\r\n")
        elif await self._answer(writer, "data", to, "354 go on"):
            text = b""
            while not (text == b".\r\n" or text.endswith(b"\r\n.\r\n")):
                text += await reader.readuntil(b"\r\n")
            self.taken.append((to, text))
            await self._answer(writer, "dot", to, "250 2.0.0 Ok: queued as 4ZX1pQ")

    async def _answer(self, writer: asyncio.StreamWriter, stage: str, to: str, good: str) -> bool:
        fault = self.faults.get((stage, to.partition("@")[0])) or self.faults.get((stage, ""))
        match fault:
            case "drop":
                raise ConnectionAbortedError
            case "hang":
                await asyncio.Event().wait()
            case "drip":
                while True:
                    writer.write(b"2")
                    await writer.drain()
                    await asyncio.sleep(0.01)
            case _:
                writer.write(f"{fault or good}\r\n".encode())
        if fault and fault.startswith("421"):
            await writer.drain()
            raise ConnectionAbortedError
        return not fault


class SmsGateway:
    """Accepts messages, except for the faults by number: a status with headers and body, or a word."""

    def __init__(self) -> None:
        self.faults: dict[str, tuple[int, dict[str, str], str] | str] = {}
        self.asked: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.under_way = Counter[str]()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/sms", self._take)
        self._closing = asyncio.Event()
        self._server = TestServer(application)
        await self._server.start_server()
        self.url = str(self._server.make_url("/sms"))
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._closing.set()
        await self._server.close()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        message: dict[str, str] = json.loads(await request.read())
        self.asked.append(message)
        self.headers.append(dict(request.headers))
        self.under_way["now"] += 1
        self.under_way["most"] = max(self.under_way["most"], self.under_way["now"])
        try:
            return await self._respond(request, message)
        finally:
            self.under_way["now"] -= 1

    async def _respond(self, request: web.Request, message: dict[str, str]) -> web.StreamResponse:
        await asyncio.sleep(0)
        fault = self.faults.get(message["to"])
        assert request.transport
        match fault:
            case "reset":
                request.transport.abort()
            case "silence":
                await self._closing.wait()
            case "not http":
                assert isinstance(request.transport, asyncio.Transport)
                request.transport.write(b"rubbish\r\n\r\n")
                request.transport.close()
            case "endless body":
                response = web.StreamResponse(status=200)
                await response.prepare(request)
                await response.write(b"{")
                await self._closing.wait()
                return response
            case (int(status), dict(headers), str(body)):
                return web.Response(status=status, headers=headers, text=body)
        return web.json_response({"id": f"gw-{len(self.asked)}"})
