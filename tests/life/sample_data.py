"""Sample data of the lives: documents, attachments and cards."""

from typing import Any, Final

Body = dict[str, Any]

DOCUMENT: Final[Body] = {
    "kind": "identity_card",
    "number": "CA12345AA",
    "issued_by": "Comune di Pisa",
    "issued_on": "2021-03-15",
    "expires_on": "2031-12-10",
}
FILE: Final[Body] = {
    "uri": "https://portal.example/documents/1.pdf",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "media_type": "application/pdf",
}
RECOGNISED_BY: Final[Body] = {
    "operator": {"id": "op-0107", "office": "Sede di Pisa"},
    "document": DOCUMENT,
}
CARDS: Final[tuple[Body, ...]] = (
    {"number": "80380000900012345678", "expires_on": "2029-06-30"},
    {"number": "80380000900087654321", "expires_on": "2031-01-31"},
)
