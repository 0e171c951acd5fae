"""What a worker answers."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from shared.contract.model import Model
from shared.errors import Fault

DETAILS: Mapping[str, str] = {
    "accepted": "",
    "invalid": "The message breaks rules of the contract; errors lists them.",
    "internal_error": "The message could not be handled; it is kept for an operator.",
    "message_id_reused": "Another message was sent with this message_id before.",
    "no_active_pin": "The citizen has no active PIN.",
    "no_live_pin": "The citizen has no PIN that could be revoked.",
    "wrong_pin": "Codice fiscale and PIN do not match.",
    "locked": "Too many failed attempts; the PIN is locked for a time.",
    "first_access_needed": "The initial PIN has to be replaced at a first access.",
    "link_invalid": "The link was used, has expired or never existed.",
    "already_dispositivo": "The PIN is dispositivo already.",
    "no_open_request": "There is no open request with this request_id.",
    "unknown_citizen": "Nothing is kept about the citizen.",
    "unknown_correlation": "Nothing is known under this correlation id, or no longer.",
    "documents_missing": "The request cannot be approved before its documents are in.",
    "changed_since_seen": "What the operator saw has changed since: it has to be looked at again.",
    "too_many_lookups": "This operator looked up too many citizens within the hour.",
    "too_many_suspended": "The citizen has as many suspended istanze as there may be; none is lost.",
}
"""Every reply code with the English sentence that explains it."""


class Reply(Model):
    """The answer to a command.

    Attributes:
        code: a stable word for programs, one of `DETAILS`.
        detail: one English sentence for people.
        errors: what is wrong, field by field, when the code is `invalid`.
        data: what the command's `reply_data`, or its refusal's model, describes.
    """

    outcome: Literal["accepted", "rejected"]
    code: str
    detail: str = ""
    errors: tuple[Fault, ...] = ()
    data: dict[str, Any] = Field(default_factory=dict)

    def body(self) -> bytes:
        """Return the reply as the JSON that is published."""
        return self.__pydantic_serializer__.to_json(self)


def accepted(**data: Any) -> Reply:  # noqa: ANN401 - JSON, as the command's reply_data describes
    """Return the reply to a command that was carried out."""
    return Reply(outcome="accepted", code="accepted", data=data) if data else ACCEPTED


def rejected(code: str, detail: str = "", faults: Iterable[Fault] = (), **data: Any) -> Reply:  # noqa: ANN401
    """Return the reply to a command that was refused, with the detail of its code unless another is given."""
    return Reply(
        outcome="rejected", code=code, detail=detail or DETAILS[code], errors=tuple(faults), data=data
    )


ACCEPTED = Reply(outcome="accepted", code="accepted")
"""The reply to a command that was carried out and has nothing to bring back."""
