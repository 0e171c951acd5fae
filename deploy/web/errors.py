"""The errors of the pages: each says what its reader should do.

PinError
├── NotTakenError              publish the same command again
├── TooSoonError               ask the person to wait
├── LogInRefusedError          let nobody in, and tell an operator
├── NoRoleError                let nobody in: the person asks for a role
├── UndrawableError            show that the document cannot be shown; nobody may decide by it
└── DocumentError
    ├── DocumentRefusedError   ask for another file
    ├── DocumentElsewhereError ask who runs the other store
    └── DocumentAlteredError   nobody may decide by it

They extend the hierarchy of `shared/errors.py`; they are separate because no worker needs them.
"""

from shared.errors import PinError


class NotTakenError(PinError):
    """The broker has not confirmed the command: whether it has it is not known. Publish it again."""


class TooSoonError(PinError):
    """Too many passwords were wrong; `seconds` later another one is looked at."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class LogInRefusedError(PinError):
    """Nobody is logged in: the provider does not answer, or what came back is none of its words for us."""


class NoRoleError(PinError):
    """The provider knows the person, and gives them no role here, or no office."""


class UndrawableError(PinError):
    """The document cannot be drawn: it is damaged, or asks for more memory or time than there is."""


class DocumentError(PinError):
    """A document cannot be kept or read."""


class DocumentRefusedError(DocumentError):
    """What was uploaded is no document that can be kept: choose another file.

    Attributes:
        code: `file_empty`, `file_too_large`, `file_of_other_type` (it is none of the three kinds) or
            `file_lies` (it is of another kind than was declared).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class DocumentElsewhereError(DocumentError):
    """The document is in another store: ask who runs that one."""


class DocumentAlteredError(DocumentError):
    """What is stored is not what was uploaded: nobody may decide by it."""
