"""What an answer of the print shop means for a letter. Pure.

waiting → closed → handed → printed → posted → returned
   ↑________________|         (damaged: it goes into another job, with the same content)
"""

from dataclasses import dataclass

from services.notifier.shop import LetterAnswer
from shared.contract.internal import ReportStatus

MOST_PRINTINGS = 3
"""Jobs that one letter may be in: it is printed, and printed again twice."""
WAITING = "waiting"
FAILED = "failed"

_NEXT: dict[LetterAnswer, tuple[frozenset[str], ReportStatus]] = {
    "printed": (frozenset({"handed"}), "accepted"),
    "posted": (frozenset({"handed", "printed"}), "posted"),
    "returned": (frozenset({"handed", "printed", "posted"}), "returned"),
}
"""From which states an answer leads to the state of its name, and what is reported then."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a letter.

    Attributes:
        state: the new one.
        report: what the lane of receipts is told; None if the delivery goes on as it was.
    """

    state: str
    report: ReportStatus | None


def fate(state: str, printings: int, *, kept: bool, told: LetterAnswer) -> Fate | None:
    """Return what becomes of a letter of which the shop says something; None if that is nothing new.

    Args:
        state: of the letter.
        printings: how many jobs it was in.
        kept: whether its content is still there.
        told: by the shop, of the job that the letter was last in.
    """
    if told != "damaged":
        before, report = _NEXT[told]
        return Fate(told, report) if state in before else None
    if state not in {"handed", "printed"}:
        return None
    again = state == "handed" and kept and printings < MOST_PRINTINGS
    return Fate(WAITING, None) if again else Fate(FAILED, "failed")
