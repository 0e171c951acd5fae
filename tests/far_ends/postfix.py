"""A Postfix of the test's own: it takes mails on a free port of loopback, and writes genuine bounces.

Its configuration, queue, data and mails are in a directory of its own; no other instance is touched.
Its master has to be root.
"""

import asyncio
import os
import pwd
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit.waiting import until

BOUNCES = "ritorni@bounces.example.it"
"""The address whose mail is kept in a Maildir, with anything after a `+`."""
KNOWN = "known.example.it"
"""A domain of its own, in which it knows nobody."""

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example.it
mydestination =
mynetworks = 127.0.0.0/8
notify_classes =
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_reject_unlisted_recipient = no
smtpd_peername_lookup = no
smtpd_discard_ehlo_keywords = {discarded}
virtual_mailbox_domains = {bounces_domain}, {known}
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = inline:{{ {{ {bounces} = ritorni/ }} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
recipient_delimiter = +
smtp_dns_support_level = disabled
smtp_host_lookup = native
transport_maps = inline:{{ {{ {bounces_domain} = virtual }}{transports} }}
maximal_queue_lifetime = {lifetime}
delay_warning_time = {warning}
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def missing() -> str:
    """Return what its tests lack on this machine; empty where they can run."""
    if not shutil.which("postfix"):
        return "postfix is not installed"
    return "" if os.geteuid() == 0 else "the master of Postfix has to be root"


@dataclass(frozen=True, slots=True)
class Postfix:
    """One that runs.

    Attributes:
        port: where it takes mails, without TLS or log-in.
        home: its directory.
    """

    port: int
    home: Path

    async def bounce(self, word: str) -> bytes:
        """Wait for the one mail that came back and has a word, such as the id of a delivery, in it."""
        try:
            [mail] = await until(lambda: self._bounces(word), f"a bounce with {word}", limit=30)
        except AssertionError as late:
            late.add_note(self._log())
            raise
        return bytes(mail)

    def _bounces(self, word: str) -> list[bytes]:
        new = self.home / "mail/ritorni/new"
        mails = [path.read_bytes() for path in new.iterdir()] if new.is_dir() else []
        return [mail for mail in mails if word.encode() in mail]

    def _log(self) -> str:
        log = self.home / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "no log"


@asynccontextmanager
async def postfix(transports: Mapping[str, str], *, dsn: bool, gives_up: bool) -> AsyncIterator[Postfix]:
    """Run a Postfix until the end of the block.

    Args:
        transports: by domain, where its mails go, such as `smtp:[127.0.0.1]:2525`.
        dsn: whether it offers DSN.
        gives_up: whether a mail comes back after the first try, or a warning that it is late.
    """
    with TemporaryDirectory(prefix="pin-postfix-") as directory:
        home, port = Path(directory), _free_port()
        _configure(home, port, transports, dsn=dsn, gives_up=gives_up)
        master = await _run(home, "start-fg")
        try:
            await until(lambda: _answers(port), "Postfix")
            yield Postfix(port, home)
        finally:
            await (await _run(home, "stop")).wait()
            await master.wait()


def _configure(home: Path, port: int, transports: Mapping[str, str], *, dsn: bool, gives_up: bool) -> None:
    owner = pwd.getpwnam("postfix")
    home.chmod(0o755)
    for name in ("conf", "queue", "data", "mail"):
        (home / name).mkdir()
    for name in ("data", "mail"):
        os.chown(home / name, owner.pw_uid, owner.pw_gid)
    main = _MAIN.format(
        home=home,
        bounces=BOUNCES,
        bounces_domain=BOUNCES.partition("@")[2],
        known=KNOWN,
        uid=owner.pw_uid,
        gid=owner.pw_gid,
        discarded="" if dsn else "dsn",
        transports="".join(f", {{ {domain} = {to} }}" for domain, to in transports.items()),
        lifetime="0" if gives_up else "1d",
        warning="0h" if gives_up else "1s",
    )
    (home / "conf/main.cf").write_text(main)
    (home / "conf/master.cf").write_text(_MASTER.format(port=port))


async def _run(home: Path, command: str) -> asyncio.subprocess.Process:
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        "postfix", "-c", str(home / "conf"), command, stdout=quiet, stderr=quiet
    )


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
