"""Mail addresses: the syntax of RFC 5321 and 5322, internationalised domains (RFC 5891); no DNS is asked."""

import re

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from shared.errors import Fault

# An address that needs nothing looked up: any dot-atom and any host name in ASCII, none of whose labels can
# be an encoded one (`xn--`). What this does not match is not wrong, only left to the library.
_LABEL = r"[a-z0-9](?:[a-z0-9]|-(?!-)(?=[a-z0-9-]))*"
_PLAIN = re.compile(rf"(?=.{{6,254}}$)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:{_LABEL}\.)+[a-z]{{2,63}}", re.ASCII)
_LONGEST_LOCAL, _LONGEST_LABEL = 64, 63
# Without them in the fast path, the library alone decides on them.
_SPECIAL = (".arpa", ".invalid", ".local", ".localhost", ".onion", ".test")


def fault_of_mailbox(field: str, value: str) -> Fault | None:
    """Say what keeps a text from being a mail address; an internationalised domain is fine.

    A local part outside ASCII is refused: few servers take it (RFC 6531), and a PIN must arrive. The domains
    that are set apart for tests are accepted. Codes: `invalid_address`.
    """
    if _is_plain(value):
        return None
    try:
        _validated(value)
    except EmailNotValidError:
        return Fault(field, "invalid_address", "This is not an address that mail can be sent to.")
    return None


def deliverable(value: str) -> str:
    """The address as SMTP takes it, its domain in ASCII (IDNA): `anna@città.it` to `anna@xn--citt-0na.it`.

    Raises:
        ValueError: the address is not valid; `fault_of_mailbox` tells before.
    """
    if _is_plain(value):
        return value
    return _validated(value).ascii_email or value


def _validated(value: str) -> ValidatedEmail:
    return validate_email(
        value, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
    )


def _is_plain(value: str) -> bool:
    if not _PLAIN.fullmatch(value) or value.endswith(_SPECIAL):
        return False
    local, _, domain = value.partition("@")
    return len(local) <= _LONGEST_LOCAL and all(len(label) <= _LONGEST_LABEL for label in domain.split("."))


# Where mail to a name with anything behind a + comes to the name's own mailbox, as the providers document it.
# Elsewhere `anna+pin@…` may be somebody else's.
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
    """The mailbox that an address leads to: equal for two addresses if they surely lead to one.

    `Anna.Rossi+pin@googlemail.com` leads to `annarossi@gmail.com`. Letter case never matters, nor whether an
    internationalised domain is in ASCII; dots and what follows a + only with providers that say so. What it
    returns is for comparing: mail goes to the address as its owner wrote it. What is not valid, any more,
    is compared as it stands.
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
    """Tell whether two addresses surely lead to one mailbox, which may never get both halves (R15)."""
    return mailbox_of(one) == mailbox_of(other)
