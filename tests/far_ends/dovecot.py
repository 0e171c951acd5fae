"""A private Dovecot: an IMAP server with folders in a temporary directory, which nobody here wrote."""

import getpass
import grp
import os
import pwd
import shutil
import signal
import ssl
from collections.abc import Iterable
from pathlib import Path

from imapclient import IMAPClient

from deploy.local.authority import Authority, Credential
from deploy.local.os_user import OsUser
from deploy.local.ports import HOST, Ports, answers
from deploy.local.processes import Process, Program
from deploy.local.waiting import wait_for

BINARY = shutil.which("dovecot", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
USER, PASSWORD = "pin@pec.example.it", "correct-horse-battery"
_SYSTEM_USER = "dovecot"
_WITHOUT_MOVE = "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS CHILDREN NAMESPACE ID ENABLE"
"""As of a server from before MOVE and IDLE."""

_CONFIG = """\
protocols = imap
base_dir = {root}/base
state_dir = {root}/state
log_path = /dev/stderr
mail_location = maildir:{root}/mail
mail_fsync = never
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
{capability}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = {host}
    port = {starttls_port}
  }}
  inet_listener imaps {{
    address = {host}
    port = {port}
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={root}/mail
}}
"""


class Dovecot:
    """One server with one account, over TLS on loopback.

    Args:
        root: an empty directory that every user may enter.
        old: whether it can neither move nor tell of new mail.
    """

    def __init__(self, root: Path, *, old: bool = False) -> None:
        self.root = root
        self._user = OsUser.of_server(_SYSTEM_USER)
        ports = Ports(root / "ports.json")
        self.port, self.starttls_port = ports["imaps"], ports["imap"]
        self.authority = Authority(root / "tls")
        self._certificate = self.authority.server("dovecot")
        self._old = old
        for name in ("base", "state", "mail"):
            (root / name).mkdir()
            (root / name).chmod(0o755)
            self._user.give(root / name)
        self._process: Process | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a reader of the PEC mailbox."""
        return self.settings_of("pec")

    def settings_of(self, box: str) -> dict[str, str]:
        """Return the settings of a reader of one of the mailboxes."""
        prefix = f"PIN_{box.upper()}_IMAP"
        return {
            f"{prefix}_HOST": HOST,
            f"{prefix}_PORT": str(self.port),
            f"{prefix}_CA": str(self.authority.ca),
            f"{prefix}_USER": USER,
            f"{prefix}_PASSWORD": PASSWORD,
        }

    def start(self, certificate: Credential | None = None) -> None:
        """Start it, with another certificate than its own if one is given, and wait until it answers."""
        config = self.root / "dovecot.conf"
        config.write_text(self._config(certificate or self._certificate), encoding="utf-8")
        config.chmod(0o644)
        program = Program(
            name="dovecot",
            argv=[str(BINARY), "-F", "-c", str(config)],
            log=self.root / "dovecot.log",
            cwd=self.root,
            home=self.root,
            os_user=self._user,
        )
        self._process = Process(program, self.root)
        self._process.start()
        wait_for(
            lambda: self._process is not None and self._process.must_live() and answers(self.port),
            20,
            "dovecot",
        )

    def stop(self) -> None:
        """Stop it, and all its connections."""
        if self._process:
            self._process.stop()

    def client(self) -> IMAPClient:
        """Return a connection of somebody else's, logged in."""
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        client = IMAPClient(HOST, self.port, ssl_context=context, timeout=20)
        client.login(USER, PASSWORD)
        return client

    def put(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Deliver mails."""
        with self.client() as client:
            for mail in mails:
                client.append(folder, mail)

    def mails(self, folder: str) -> list[bytes]:
        """Return what lies in a folder, as it was delivered; none if there is no such folder."""
        with self.client() as client:
            if not client.folder_exists(folder):
                return []
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
            return [found[uid][b"BODY[]"] for uid in sorted(found)]

    def counts(self, *folders: str) -> list[int]:
        """Return how many mails lie in each of these folders."""
        with self.client() as client:
            return [
                client.folder_status(name, ["MESSAGES"])[b"MESSAGES"] if client.folder_exists(name) else 0
                for name in folders
            ]

    def pour(self, mails: Iterable[bytes]) -> None:
        """Deliver many mails at once."""
        with self.client() as client:
            client.multiappend("INBOX", list(mails))

    def make(self, folder: str, *mails: bytes) -> None:
        """Make a folder, in place of one that is there, with other numbers and these mails."""
        with self.client() as client:
            if client.folder_exists(folder):
                client.delete_folder(folder)
            client.create_folder(folder)  # with another UIDVALIDITY
            for mail in mails:
                client.append(folder, mail)

    def recreate(self, folder: str, source: str) -> None:
        """Move everything, in the opposite order, from a folder to another that is made anew."""
        self.make(folder)
        with self.client() as client:
            client.select_folder(source)
            for uid in reversed(client.search()):
                client.copy([uid], folder)
            client.delete_messages(client.search(), silent=True)
            client.expunge()

    def mark_deleted(self) -> None:
        """Mark all that lies in the inbox as deleted, as somebody might by hand."""
        with self.client() as client:
            client.select_folder("INBOX")
            client.delete_messages(client.search(), silent=True)

    def files(self) -> list[Path]:
        """Return the files in which the mails are."""
        return [path for path in (self.root / "mail").rglob("*") if path.is_file()]

    def spoil(self, number: int) -> None:
        """Make one of the mails unreadable to the server."""
        path = sorted(path for path in self.files() if path.parent.name in {"new", "cur"})[number - 1]
        path.chmod(0)

    def logged_in(self) -> bool:
        """Return whether anybody has logged in since it was made."""
        return b"Info: Login:" in (self.root / "dovecot.log").read_bytes()

    def freeze(self) -> None:
        """Let it answer nobody any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            os.killpg(self._process.pid, number)

    def _config(self, certificate: Credential) -> str:
        user = self._user.user or getpass.getuser()
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        for path in (certificate.cert, certificate.key):
            self._user.give(path)
            path.parent.chmod(0o711)
        return _CONFIG.format(
            root=self.root,
            host=HOST,
            port=self.port,
            starttls_port=self.starttls_port,
            cert=certificate.cert,
            key=certificate.key,
            user=user,
            group=group,
            password=PASSWORD,
            capability=f"imap_capability = {_WITHOUT_MOVE}" if self._old else "",
        )
