"""A private Dovecot: an IMAP server, which nobody here wrote, with mailboxes in a directory of its own."""

import getpass
import grp
import pwd
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

from imapclient import IMAPClient

from deploy.local.authority import Authority, Credential
from deploy.local.os_user import OsUser
from deploy.local.ports import HOST, Ports, answers
from deploy.local.processes import Process, Program
from deploy.local.waiting import wait_for

BINARY = shutil.which("dovecot", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
USER, PASSWORD = "pin@pec.example.it", "correct-horse-battery"
"""Of the account that is meant unless another is named. Each name is one, with this password."""
_SYSTEM_USER = "dovecot"
_WITHOUT_MOVE = "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS CHILDREN NAMESPACE ID ENABLE"
"""As of a server from before MOVE and IDLE."""

_CONFIG = """\
base_dir = {base}
state_dir = {root}/state
log_path = /dev/stderr
mail_fsync = never
mailbox_idle_check_interval = 2s
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
ssl = required
{capability}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    {address} = {host}
    port = {starttls_port}
  }}
  inet_listener imaps {{
    {address} = {host}
    port = {port}
  }}
}}
"""
_UNTIL_2_3 = """\
protocols = imap
mail_location = maildir:{root}/mail/%u
ssl_cert = <{cert}
ssl_key = <{key}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={root}/mail
}}
"""
_SINCE_2_4 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols {{
  imap = yes
}}
mail_driver = maildir
mail_path = {root}/mail/%{{user}}
ssl_server_cert_file = {cert}
ssl_server_key_file = {key}
passdb static {{
  password = {password}
}}
userdb static {{
  fields {{
    uid = {user}
    gid = {group}
    home = {root}/mail
  }}
}}
"""


class Dovecot:
    """One server with a mailbox for each user, over TLS on loopback. What lies there stays.

    Args:
        root: a directory that every user may enter.
        ports: of the stack that it belongs to, if it belongs to one.
        runs: where its process is on record; by default in `root`.
        old: whether it can neither move nor tell of new mail.

    Raises:
        StackError: it is root who asks, and there is no such user as Dovecot's.
    """

    def __init__(
        self, root: Path, *, ports: Ports | None = None, runs: Path | None = None, old: bool = False
    ) -> None:
        self.root, self._runs = root, runs or root
        self._user = OsUser.of_server(_SYSTEM_USER, asks=True)
        ports = ports or Ports(root / "ports.json")
        self.port, self.starttls_port = ports["imaps"], ports["imap"]
        self.authority = Authority(root / "tls")
        self._certificate = self.authority.server("dovecot")
        self._old = old
        for name in ("state", "mail"):
            (root / name).mkdir(exist_ok=True)
            (root / name).chmod(0o755)
            self._user.give(root / name)
        self.process: Process | None = None
        self._base: Path | None = None
        """Of its sockets: their paths have 107 characters at most, and the root may lie deep."""

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a reader of the PEC mailbox."""
        return self.settings_of("pec")

    def settings_of(self, box: str, user: str = USER) -> dict[str, str]:
        """Return the settings of a reader of a user's mailbox, as that of `pec` or of `bounce`."""
        prefix = f"PIN_{box.upper()}_IMAP"
        return {
            f"{prefix}_HOST": HOST,
            f"{prefix}_PORT": str(self.port),
            f"{prefix}_CA": str(self.authority.ca),
            f"{prefix}_USER": user,
            f"{prefix}_PASSWORD": PASSWORD,
        }

    def start(self, certificate: Credential | None = None) -> None:
        """Start it, with another certificate than its own if one is given, and wait until it answers.

        Raises:
            StackError: it does not; the end of its log says why.
        """
        config = self.root / "dovecot.conf"
        config.write_text(self._config(certificate or self._certificate, self._sockets()), encoding="utf-8")
        config.chmod(0o644)
        program = Program(
            name="dovecot",
            argv=[str(BINARY), "-F", "-c", str(config)],
            log=self.root / "dovecot.log",
            cwd=self.root,
            home=self.root,
            os_user=self._user,
        )
        self.process = process = Process(program, self._runs)
        process.start()
        wait_for(lambda: process.must_live() and answers(self.port), 20, "dovecot")

    def stop(self) -> None:
        """Stop it, and all its connections."""
        if self.process:
            self.process.stop()
        if self._base:
            shutil.rmtree(self._base)
            self._base = None

    def _sockets(self) -> Path:
        if self._base is None:
            self._base = Path(tempfile.mkdtemp(prefix="pin-imap-"))
            self._base.chmod(0o755)
            self._user.give(self._base)
        return self._base

    def client(self, user: str = USER) -> IMAPClient:
        """Return a connection of somebody else's, logged in."""
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        client = IMAPClient(HOST, self.port, ssl_context=context, timeout=20)
        client.login(user, PASSWORD)
        return client

    def put(self, *mails: bytes, folder: str = "INBOX", user: str = USER) -> None:
        """Deliver mails."""
        with self.client(user) as client:
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

    def _config(self, certificate: Credential, base: Path) -> str:
        user = self._user.user or getpass.getuser()
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        for path in (certificate.cert, certificate.key):
            self._user.give(path)
            path.parent.chmod(0o711)
        since_2_4 = _version() >= (2, 4)
        # The version of the configuration stands first.
        form = _SINCE_2_4 + _CONFIG if since_2_4 else _UNTIL_2_3 + _CONFIG
        return form.format(
            root=self.root,
            base=base,
            host=HOST,
            address="listen" if since_2_4 else "address",
            port=self.port,
            starttls_port=self.starttls_port,
            cert=certificate.cert,
            key=certificate.key,
            user=user,
            group=group,
            password=PASSWORD,
            capability=f"imap_capability = {_WITHOUT_MOVE}" if self._old else "",
        )


def _version() -> tuple[int, ...]:
    """Return its version; none if it does not say: then it does not start either, and its log says why."""
    said = subprocess.run([str(BINARY), "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(int(number) for number in said.partition(" ")[0].split(".")[:2] if number.isdigit())
