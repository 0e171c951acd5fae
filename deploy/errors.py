"""The errors of the deployment tools: each says what its reader should do.

PinError
├── StackError                 do what the text says, or look at the log it names
├── UnexpectedAnswerError      look at the worker's log
├── PinctlError                do what the text says
└── SetupError
    └── PasswordMissingError   set the named variable

They extend the hierarchy of `shared/errors.py`; they are separate because no worker needs them.
"""

from shared.errors import PinError, SetupError


class StackError(PinError):
    """The local stack cannot continue: do what the text says, or look at the log it names."""


class UnexpectedAnswerError(PinError):
    """In the demonstration a worker's reply breaks the rules: look at the worker's log."""


class PasswordMissingError(SetupError):
    """A broker user has no password: set the named variable."""


class PinctlError(PinError):
    """A `pinctl` command failed; the text says why and what to do.

    Attributes:
        status: the exit status, one of those in `pinctl/answer.py`; 2 is wrong usage.
    """

    def __init__(self, text: str, status: int = 2) -> None:
        super().__init__(text)
        self.status = status
