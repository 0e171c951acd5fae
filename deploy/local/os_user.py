"""Which system user runs a server: Postgres refuses to run as root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError


@dataclass(frozen=True)
class OsUser:
    """A system user, or none: then the user who runs the stack.

    Attributes:
        asks: whether its program asks by access(2) what it may write: that call disregards capabilities,
            unless told otherwise.
    """

    user: str | None = None
    asks: bool = False

    @classmethod
    def of_server(cls, user: str, *, asks: bool = False) -> "OsUser":
        """Return that user when running as root, else the current user.

        Raises:
            StackError: when running as root and the user does not exist.
        """
        if os.geteuid() != 0:
            return cls()
        try:
            pwd.getpwnam(user)
        except KeyError:
            raise StackError(f"no system user {user!r}: run deploy/bootstrap") from None
        return cls(user, asks)

    def own(self, path: Path) -> None:
        """Create the directory if it is missing, and give access to this user only."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        self.give(path)

    def give(self, path: Path) -> None:
        """Make this user the owner of a file or directory."""
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def switches(self, home: Path) -> list[str]:
        """Return the `setpriv` switches that make a program run as this user in `home`."""
        if not self.user:
            return []
        group = pwd.getpwnam(self.user).pw_gid  # which need not bear the user's name
        switches = ["--reuid", self.user, "--regid", str(group), "--clear-groups"]
        if not _open_to_all(home):
            # In a checkout below /root, for example, the user may own its directory but not reach it.
            switches += ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
            switches += ["--securebits", "+no_setuid_fixup"] if self.asks else []
        return switches


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.absolute().parents)
