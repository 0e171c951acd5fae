"""What is said of a citizen: the fields that Italy's rules check, and the commands about one."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.contract.command import Command
from shared.contract.fields import Line, fault, printable, text
from shared.errors import Fault
from shared.italy import codice_fiscale, mailboxes, names, phones, residence


def _checked(check: Callable[[str, str], Fault | None]) -> AfterValidator:
    def validate(text: str) -> str:
        if found := check("", text):
            raise fault(found.code, found.detail)
        return text

    return AfterValidator(validate)


def _canonical(text: str) -> str:
    if found := codice_fiscale.canonical(text):
        return found
    raise fault(*codice_fiscale.why_not(text))


Name = Annotated[str, text(100), AfterValidator(printable), _checked(names.fault_of_name)]
PlaceName = Annotated[Line, _checked(residence.fault_of_print)]
"""A place as it is printed on the form."""
Phone = Annotated[str, text(20), _checked(phones.fault_of_phone), Field(description="E.164.")]
Mobile = Annotated[
    str, text(20), _checked(phones.fault_of_mobile), Field(description="E.164, of a kind that receives SMS.")
]
Mailbox = Annotated[str, text(254), AfterValidator(printable), _checked(mailboxes.fault_of_mailbox)]
CodiceFiscale = Annotated[
    str,
    text(32),
    AfterValidator(_canonical),
    Field(description="16 characters, or 11 digits if provisional."),
]
"""A codice fiscale, made canonical: upper case, without spaces."""


class CitizenCommand(Command):
    """A command about one citizen."""

    codice_fiscale: CodiceFiscale
