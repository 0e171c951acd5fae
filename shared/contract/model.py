"""What every part of a message has in common."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.errors import Fault

_Value = TypeVar("_Value")
_Other = TypeVar("_Other")


class _Invalid(Enum):
    INVALID = "faulty"


INVALID: Final[Any] = _Invalid.INVALID
"""Stands, while faults are gathered, in the place of a value that is missing or at fault."""


def all_valid(*values: object) -> bool:
    """Tell whether none of the values is at fault, so that they can be compared."""
    return not any(value is INVALID for value in values)


def unless_invalid(value: _Value, otherwise: _Other) -> _Value | _Other:
    """Return the value, or what is to stand for it where it is at fault."""
    return otherwise if value is INVALID else value


class Model(BaseModel):
    """A message or a part of one: frozen, closed to unknown fields, no coercion of types.

    It shows no values when printed and none in its errors: most of them are personal data.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        str_strip_whitespace=True,
        hide_input_in_errors=True,
        defer_build=True,  # a worker reads a few of the messages; the others are not built at its start
    )

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return []

    @classmethod
    def describes(cls, raw: dict[str, Any]) -> bool:  # noqa: ARG003 - the parts that have a sibling look at it
        """Tell, where several models may stand in one place, whether this one is meant."""
        return True

    def disagreements(self) -> Iterator[Fault]:
        """Yield what is wrong between fields that are right one by one.

        The paths are relative to this model. Any field may be `INVALID`: the others are
        compared all the same, so that the sender learns of every fault at once.
        """
        yield from ()

    def disagreements_within(self, at: str = "") -> Iterator[Fault]:
        """Yield the disagreements of this model, which stands at path `at`, and of all its parts."""
        for fault in self.disagreements():
            yield Fault(f"{at}{fault.field}" if fault.field else at.rstrip("."), fault.code, fault.detail)
        for name, value in self.__dict__.items():
            if isinstance(value, Model):
                yield from value.disagreements_within(f"{at}{name}.")
