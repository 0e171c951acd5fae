"""Mail addresses: the syntax of RFC 5321 and 5322, internationalised domains (RFC 5891); without DNS."""

import re
from typing import TYPE_CHECKING

from shared.errors import Fault

if TYPE_CHECKING:
    from email_validator import ValidatedEmail

# Fast path: any dot-atom and any host name in ASCII without encoded labels (`xn--`). An address that does not
# match is not wrong, but checked by the library.
_LABEL = r"[a-z0-9](?:[a-z0-9]|-(?!-)(?=[a-z0-9-]))*"
_PLAIN = re.compile(rf"(?=.{{6,254}}$)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:{_LABEL}\.)+[a-z]{{2,63}}", re.ASCII)
_LONGEST_LOCAL, _LONGEST_LABEL = 64, 63
# Not in the fast path: the library alone decides on them.
_SPECIAL = (".arpa", ".invalid", ".local", ".localhost", ".onion", ".test")


def fault_of_mailbox(field: str, value: str) -> Fault | None:
    """Return the fault of a text as a mail address; an internationalised domain is accepted.

    A local part outside ASCII is rejected: few servers accept it (RFC 6531), and a PIN must arrive. Domains
    reserved for tests are accepted. Codes: `invalid_address`.
    """
    if _is_plain(value):
        return None
    from email_validator import EmailNotValidError  # noqa: PLC0415 - as in `_validated`

    try:
        _validated(value)
    except EmailNotValidError:
        return Fault(field, "invalid_address", "This is not an address that mail can be sent to.")
    return None


def deliverable(value: str) -> str:
    """The address as SMTP takes it, its domain in ASCII (IDNA): `anna@città.it` to `anna@xn--citt-0na.it`.

    Raises:
        ValueError: the address is not valid; `fault_of_mailbox` detects it before.
    """
    if _is_plain(value):
        return value
    return _validated(value).ascii_email or value


def _validated(value: str) -> "ValidatedEmail":
    from email_validator import validate_email  # noqa: PLC0415 - its tables take 0.05 s, and few need them

    return validate_email(
        value, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
    )


def _is_plain(value: str) -> bool:
    if not _PLAIN.fullmatch(value) or value.endswith(_SPECIAL):
        return False
    local, _, domain = value.partition("@")
    return len(local) <= _LONGEST_LOCAL and all(len(label) <= _LONGEST_LABEL for label in domain.split("."))


# Providers that document that they deliver `name+tag` to the mailbox `name`. Elsewhere `anna+pin@…` may be
# another person's.
_MICROSOFT = ("outlook.com", "outlook.it", "hotmail.com", "hotmail.it", "live.com", "live.it", "msn.com")
_TAGGED = frozenset({"gmail.com", *_MICROSOFT, "icloud.com", "proton.me", "fastmail.com"})
_ALSO_CALLED = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "protonmail.com": "proton.me",
    "pm.me": "proton.me",
}
_WITHOUT_DOTS = frozenset({"gmail.com"})


def mailbox_of(address: str) -> str:
    """The mailbox of an address: equal for two addresses if they certainly share one mailbox.

    `Anna.Rossi+pin@googlemail.com` gives `annarossi@gmail.com`. Letter case is ignored, and whether an
    internationalised domain is in ASCII; dots and a + suffix only for providers that document it. The result
    is for comparison only: mail goes to the address as its owner wrote it. An address that is not valid, or
    no longer, is compared unchanged.
    """
    local, _, domain = _in_ascii(address).casefold().rpartition("@")
    domain = _ALSO_CALLED.get(domain, domain)
    if domain in _TAGGED:
        local = local.partition("+")[0] or local
    if domain in _WITHOUT_DOTS:
        local = local.replace(".", "")
    return f"{local}@{domain}"


def _in_ascii(address: str) -> str:
    if address.isascii():
        return address
    try:
        return deliverable(address)
    except ValueError:
        return address


def same_mailbox(one: str, other: str) -> bool:
    """Return whether two addresses certainly share one mailbox, which may never get both halves (R15)."""
    return mailbox_of(one) == mailbox_of(other)
