"""A branch: the operator checks the citizen, the document and the registered data (R26)."""

from services.dispositivo.activation import activated
from services.dispositivo.pending_request import by_operator
from services.dispositivo.queue import as_told
from services.dispositivo.review import approved
from shared.contract import parts
from shared.contract.dispositivo import BranchActivate, BranchLookup, LookupData
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, DispositivoRequest, Document, Holder, Recognition
from shared.domain.decision import Decision, DecisionContext, LedgerEntry
from shared.domain.recognition import known_document, recognised

_AT_HOME = {"country", "street", "number", "municipality", "province", "postal_code"}
_ABROAD = {"country", "lines", "municipality", "postal_code"}


def look_up(account: Account, command: BranchLookup, _: DecisionContext) -> Decision:
    """Show the registered person and the identity document on file, and record the lookup."""
    if account.status != "active" or account.holder is None:
        return Decision(reply=rejected("no_active_pin"))
    return Decision(
        reply=accepted(**_person(account, account.holder).model_dump(mode="json")),
        entries=(by_operator(command.operator, "personal_data.seen", command=command.type),),
    )


def _person(account: Account, holder: Holder) -> LookupData:
    document = known_document(account)
    at_home = holder.residence.country == "IT"
    person = {"surname", "name", "birth_date", "sex", "birth_province", "birth_place"}
    return LookupData.model_validate(
        holder.model_dump(include=person)
        | {
            "residence": holder.residence.model_dump(include=_AT_HOME if at_home else _ABROAD),
            "contacts": parts.Contacts(**account.contacts.known()),
            "document": as_told(document) if document else None,
        }
    )


def activate(account: Account, command: BranchActivate, ctx: DecisionContext) -> Decision:
    """Make the PIN of a citizen seen in person dispositivo, and close an open request.

    It takes effect at once, or after the setting `branch_delay`.
    """
    if account.status != "active":
        return Decision(reply=rejected("no_active_pin"))
    if account.level == "dispositivo":
        return Decision(reply=rejected("already_dispositivo"))
    seen = _seen(account, command, ctx)
    if ctx.policy.branch_delay:
        return _later(recognised(account, seen), command, ctx)
    entry = by_operator(command.operator, "dispositivo.activated", channel="branch", **_corrected(seen))
    activation = activated(account, "branch", seen, ctx, entry)
    return activation.but(reply=accepted(), entries=(*_closed(account), *activation.entries))


def _seen(account: Account, command: BranchActivate, ctx: DecisionContext) -> Recognition:
    """Return the recognition: the document as checked, and the data on file that differed."""
    document = Document(**command.document.model_dump())
    known = known_document(account)
    return Recognition(
        kind="branch",
        at=ctx.now,
        operator=command.operator.id,
        office=command.operator.office,
        document=document,
        before=known if known != document else None,
    )


def _corrected(seen: Recognition) -> dict[str, list[str]]:
    """Name the corrected details; their values are personal data and stay in the sealed account."""
    before, document = seen.before, seen.document
    fields = Document.model_fields if before else ()
    return {"corrected": [name for name in fields if getattr(before, name) != getattr(document, name)]}


def _later(account: Account, command: BranchActivate, ctx: DecisionContext) -> Decision:
    request = DispositivoRequest(
        id=str(ctx.uuid()),
        requested_at=ctx.now,
        submission="branch",
        via="branch",
        document=Document(**command.document.model_dump()),
        received_at=ctx.now,
    )
    approval = approved(account, request, command.operator, ctx.now + ctx.policy.branch_delay, ctx)
    return approval.but(reply=accepted(), entries=(*_closed(account), *approval.entries))


def _closed(account: Account) -> tuple[LedgerEntry, ...]:
    request = account.dispositivo
    return (LedgerEntry("dispositivo.closed", {"request_id": request.id, "by": "branch"}),) if request else ()
