"""What can go wrong with the tools of deployment: each error says what its reader should do.

They continue the hierarchy of `shared/errors.py`, apart from it because no worker needs them.
"""

from shared.errors import PinError, SetupError


class StackError(PinError):
    """The local stack cannot go on: do what the text says, or look where it points."""


class UnexpectedAnswerError(PinError):
    """In the demonstration a worker answered otherwise than the rules say: look at the worker's log."""


class PasswordMissingError(SetupError):
    """A broker user has no password: set the variable that is named."""


class PinctlError(PinError):
    """A command of `pinctl` cannot do what it was asked to; the text says why and what to do.

    Attributes:
        status: the exit status that follows, of those in `pinctl/answer.py`; 2 is a misuse.
    """

    def __init__(self, text: str, status: int = 2) -> None:
        super().__init__(text)
        self.status = status
