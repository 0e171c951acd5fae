"""The result of a `pinctl` command, and the exit statuses."""

from dataclasses import dataclass, field
from typing import Any

OK, ATTENTION, MISUSE, UNREACHABLE, UNKNOWN = 0, 1, 2, 3, 4

STATUSES = """\
exit status:
  0  done, and nothing is wrong
  1  something needs attention: see what is printed
  2  the command line, the settings or a key are not right
  3  the broker or the ledger cannot be reached
  4  there is nothing under the id, position or file that was named
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One result in two forms: text for people, data (as JSON) for machines."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    status: int = OK
