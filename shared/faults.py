"""What is wrong with a message, field by field."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One field at fault.

    Attributes:
        field: dotted path in the message body, such as `residence.postal_code`.
        code: a stable word for programs, such as `wrong_check_character`.
        detail: one English sentence for people; never repeats the value.
    """

    field: str
    code: str
    detail: str
