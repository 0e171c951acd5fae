"""A private print shop: OpenSSH's SFTP server on loopback, with keys and certificates of its own.

And what can happen on the way to it: a line that is cut, or goes dead, after so many bytes.
"""

import asyncio
import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.os_user import OsUser
from deploy.local.ports import HOST, Ports, answers
from deploy.local.processes import Process, Program
from deploy.local.waiting import wait_for

_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
SSHD = shutil.which("sshd", path=_PATH)
OPENSSL = shutil.which("openssl")
MISSING = [name for name, path in (("sshd", SSHD), ("openssl", OPENSSL)) if not path]
"""The programs that these tests need and this machine lacks."""
_SYSTEM_USER = "sshd"

_CONFIG = """\
ListenAddress {host}:{port}
HostKey {root}/host_key
AuthorizedKeysFile {root}/client_key.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d {files}
"""


class SftpServer:
    """One print shop. Its folders are `files/`, the jobs, and `files/answers/`.

    Args:
        root: an empty directory that every user may enter.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, root / "files"
        self._user = OsUser.of_server(_SYSTEM_USER)
        self.port = Ports(root / "ports.json")["sftp"]
        for folder in (self.files, self.files / "answers"):
            folder.mkdir(mode=0o755)
            self._user.give(folder)
        for name in ("host_key", "other_host_key", "client_key", "other_client_key"):
            _ssh_key(root / name)
        self._user.give(root / "host_key")
        for name, kind in (("shop", "rsa:2048"), ("ours", "rsa:2048"), ("stranger", "rsa:2048")):
            _certificate(root, name, kind)
        self._process: Process | None = None

    def settings(self, port: int = 0, **others: str) -> dict[str, str]:
        """Return what connects to it, by way of another port if one is given."""
        told = {
            "host": HOST,
            "port": str(port or self.port),
            "user": self._user.user or getpass.getuser(),
            "host_key": (self.root / "host_key.pub").read_text(),
            "key": str(self.root / "client_key"),
            "certificate": str(self.root / "shop.crt"),
            "signing_certificate": str(self.root / "ours.crt"),
            "signing_key": str(self.root / "ours.pem"),
            **others,
        }
        return {f"PIN_SHOP_{name.upper()}": value for name, value in told.items()}

    def start(self, *, largest: int = 0, host_key: str = "host_key") -> None:
        """Start it and wait until it answers.

        Args:
            largest: bytes of a file, above which no write succeeds; 0 for any.
            host_key: the file of another key.
        """
        self.stop()
        config = self.root / "sshd_config"
        text = _CONFIG.format(host=HOST, port=self.port, root=self.root, files=self.files)
        config.write_text(text.replace("/host_key", f"/{host_key}"), encoding="utf-8")
        config.chmod(0o644)
        self._user.give(self.root / host_key)
        limit = ["prlimit", f"--fsize={largest}", "env", "--ignore-signal=XFSZ"] if largest else []
        program = Program(
            name="sshd",
            argv=[*limit, str(SSHD), "-D", "-e", "-f", str(config)],
            log=self.root / "sshd.log",
            cwd=self.root,
            home=self.root,
            os_user=self._user,
        )
        self._process = Process(program, self.root)
        self._process.start()
        wait_for(
            lambda: self._process is not None and self._process.must_live() and answers(self.port),
            20,
            "sshd",
        )

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.stop()
            self._process = None

    def names(self, folder: str = "") -> set[str]:
        """Return the names of the files in one of its folders."""
        return {path.name for path in (self.files / folder).glob("*") if path.is_file()}

    def answer(self, name: str, text: str | bytes) -> None:
        """Leave a file of answers, as the shop does."""
        path = self.files / "answers" / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self._user.give(path)

    def opened(self, name: str) -> bytes:
        """Open a sealed file as the shop does: by `openssl cms` alone, with the commands of the manual.

        Raises:
            subprocess.CalledProcessError: it does not open, or not we have signed it.
        """
        signed, plain = self.root / "opened.signed", self.root / "opened"
        _openssl(
            *("cms", "-decrypt", "-binary", "-inform", "DER", "-in", str(self.files / name)),
            *("-recip", f"{self.root}/shop.crt", "-inkey", f"{self.root}/shop.pem", "-out", str(signed)),
        )
        _openssl(
            *("cms", "-verify", "-binary", "-inform", "DER", "-in", str(signed)),
            *("-certfile", f"{self.root}/ours.crt", "-nointern", "-CAfile", f"{self.root}/ours.crt"),
            *("-no-CApath", "-no-CAstore", "-partial_chain", "-out", str(plain)),
        )
        return plain.read_bytes()

    def seal_as_stranger(self, document: bytes, name: str) -> None:
        """Leave a sealed file that a stranger has signed, by `openssl cms` with its defaults."""
        plain, signed = self.root / "forged", self.root / "forged.signed"
        plain.write_bytes(document)
        _openssl(
            *("cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", str(plain)),
            *("-signer", f"{self.root}/stranger.crt", "-inkey", f"{self.root}/stranger.pem"),
            *("-out", str(signed)),
        )
        _openssl(
            *("cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER", "-in", str(signed)),
            *("-out", str(self.files / name), f"{self.root}/shop.crt"),
        )


def _ssh_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)], check=True)
    path.with_suffix(".pub").chmod(0o644)


def _certificate(root: Path, name: str, kind: str) -> None:
    _openssl(
        *("req", "-x509", "-newkey", kind, "-nodes", "-days", "30", "-subj", f"/CN={name}"),
        *("-keyout", f"{root}/{name}.pem", "-out", f"{root}/{name}.crt"),
    )
    (root / f"{name}.pem").chmod(0o600)


def _openssl(*argv: str) -> None:
    subprocess.run([str(OPENSSL), *argv], check=True, capture_output=True)


@contextmanager
def sftp_server() -> Iterator[SftpServer]:
    """A print shop for a block, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="pin-shop-") as root:
        Path(root).chmod(0o755)
        server = SftpServer(Path(root))
        try:
            server.start()
            yield server
        finally:
            server.stop()


@dataclass
class Line:
    """A line to the server that can break: a TCP proxy.

    Attributes:
        port: of the server.
        cut_after: bytes towards the server after which both ends are closed.
        dead_after: bytes towards the server after which nothing passes any more, and nothing is closed.
    """

    port: int
    cut_after: int | None = None
    dead_after: int | None = None
    passed: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> int:
        """Open it, and return its own port."""
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
        far_reader, far_writer = await asyncio.open_connection(HOST, self.port)
        try:
            await asyncio.gather(
                self._pass(reader, far_writer, counted=True), self._pass(far_reader, writer, counted=False)
            )
        except ConnectionError:
            pass
        finally:
            for end in (writer, far_writer):
                end.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        while data := await reader.read(16_384):
            self.passed += len(data) if counted else 0
            if self.cut_after is not None and self.passed > self.cut_after:
                raise ConnectionError
            if self.dead_after is not None and self.passed > self.dead_after:
                await asyncio.Event().wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child process with these settings."""
    return {**os.environ, **settings}
