"""What is done with one mail before and around its classifier: no mail stops the reading of the others.

The mailbox of bounces takes mail from anybody, also what was made to exhaust whoever reads it.
"""

import re
from threading import Thread
from typing import Any

from services.notifier.mailbox.evidence import Classifier, Understood
from shared.config.logs import where

_PARTS, _LEVELS = 500, 20
"""Lines that may separate parts, and boundaries named, in a mail that is parsed. A receipt with all that it
encloses has a tenth of it; parsing takes seconds a megabyte with thousands of the first, as with hundreds of
the second, for each of which the parser looks at every line."""
_SEPARATOR = re.compile(rb"(?:\A|[\r\n])--")
_BOUNDARY = re.compile(rb"boundary", re.IGNORECASE)
_LONGEST = 8192
"""Bytes of a header with parameters, of which parsing takes the square: half a minute for a megabyte."""
_PARAMETERS = re.compile(
    rb"(?:\A|[\r\n])content-(?:type|disposition)[ \t]*:[^\r\n]*(?:(?:\r\n?|\n)[ \t][^\r\n]*)*",
    re.IGNORECASE,
)

TOO_LARGE = Understood("too_large", unknown=True)
_TOO_MANY_PARTS = Understood("too_many_parts", unknown=True)
_TOO_LONG_HEADERS = Understood("too_long_headers", unknown=True)
_TOO_SLOW = Understood("too_slow", unknown=True)


class Triage:
    """A classifier, guarded.

    Args:
        classifier: of the mailbox.
        largest: bytes of a mail that is read.
        limit: seconds for one.
        log: for what the classifier raises.
    """

    def __init__(self, classifier: Classifier, largest: int, limit: float, log: Any) -> None:  # noqa: ANN401 - structlog's
        self._classifier, self._largest, self._limit, self._log = classifier, largest, limit, log

    def understand(self, raw: bytes) -> Understood:
        """Return what a mail is; it raises nothing, and returns within the limit.

        A classifier that is slower goes on in its thread, which nobody can end, and is not waited for.
        """
        if len(raw) > self._largest:
            return TOO_LARGE
        if len(_SEPARATOR.findall(raw)) > _PARTS or len(_BOUNDARY.findall(raw)) > _LEVELS:
            return _TOO_MANY_PARTS
        if any(len(header[0]) > _LONGEST for header in _PARAMETERS.finditer(raw)):
            return _TOO_LONG_HEADERS
        found: list[Understood] = []
        thread = Thread(target=self._classify, args=(raw, found), name="classifier", daemon=True)
        thread.start()
        thread.join(self._limit)
        return found[0] if found else _TOO_SLOW

    def _classify(self, raw: bytes, found: list[Understood]) -> None:
        try:
            found.append(self._classifier(raw))
        except Exception as error:  # noqa: BLE001 - whatever a mail made it raise
            self._log.error("mailbox.fault", **where(error))
            found.append(Understood("classifier_failed", unknown=True))
