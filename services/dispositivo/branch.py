"""A branch: the operator checks the citizen, the document and the registered data (R26)."""

from services.dispositivo.activation import activated
from services.dispositivo.operators import REFUSED, OperatorFacts, refused, with_alarm
from services.dispositivo.queue import as_told
from services.dispositivo.review import approved
from services.dispositivo.seen import differs, lacks_seen
from shared.contract import parts
from shared.contract.dispositivo import BranchActivate, BranchLookup, LookupData
from shared.contract.reply import accepted, rejected
from shared.domain.account import Account, DispositivoRequest, Document, Holder, Recognition
from shared.domain.decision import ContextWith, Decision, DecisionContext, LedgerEntry
from shared.domain.recognition import known_document, recognised

_AT_HOME = {"country", "street", "number", "municipality", "province", "postal_code"}
_ABROAD = {"country", "lines", "municipality", "postal_code"}


def look_up(account: Account, command: BranchLookup, ctx: ContextWith[OperatorFacts]) -> Decision:
    """Show the registered person and the identity document on file, and record the lookup.

    Nobody is shown to an operator who has looked too often, if a setting says how often that is.
    """
    known = ctx.known
    decision = REFUSED if refused(known, ctx.policy) else _shown(account, command, ctx)
    return with_alarm(decision, command.operator, known, ctx.policy)


def _shown(account: Account, command: BranchLookup, ctx: ContextWith[OperatorFacts]) -> Decision:
    if account.status != "active" or account.holder is None:
        return Decision(reply=rejected("no_active_pin"))
    person = _person(account, account.holder)
    seen = _seen_of(account, person, ctx)
    return Decision(
        reply=accepted(**person.model_copy(update={"seen": seen}).model_dump(mode="json")),
        entries=(LedgerEntry("personal_data.seen", {"command": command.type, "seen": seen}),),
    )


def _seen_of(
    account: Account, person: LookupData, ctx: ContextWith[OperatorFacts], given: str | None = None
) -> str:
    """Return the `seen` of a citizen as shown, and of what was decided about the profile.

    `given` is as in `SeenSeal.of`.
    """
    request = account.dispositivo
    approved_at = request.approved_at.isoformat() if request and request.approved_at else None
    decided = [account.level, request.id if request else None, approved_at]
    shown = person.model_dump(mode="json", exclude={"seen"})
    return ctx.known.seal.of("citizen", account.subject, [shown, decided], given)


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


def activate(account: Account, command: BranchActivate, ctx: ContextWith[OperatorFacts]) -> Decision:
    """Make the PIN of a citizen seen in person dispositivo, and close an open request.

    It takes effect at once, or after the setting `branch_delay`.
    """
    if lacking := lacks_seen(command, ctx.policy):
        return Decision(reply=lacking)
    holder = account.holder if account.status == "active" else None
    if differs(command, _seen_of(account, _person(account, holder), ctx, command.seen) if holder else None):
        return Decision(reply=rejected("changed_since_seen"))
    if holder is None:
        return Decision(reply=rejected("no_active_pin"))
    if account.level == "dispositivo":
        return Decision(reply=rejected("already_dispositivo"))
    recognition = _recognition(account, command, ctx)
    if ctx.policy.branch_delay:
        return _later(recognised(account, recognition), command, ctx)
    facts = {"channel": "branch", "seen": command.seen, **_corrected(recognition)}
    activation = activated(account, "branch", recognition, ctx, LedgerEntry("dispositivo.activated", facts))
    return activation.but(reply=accepted(), entries=(*_closed(account), *activation.entries))


def _recognition(account: Account, command: BranchActivate, ctx: DecisionContext) -> Recognition:
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


def _corrected(recognition: Recognition) -> dict[str, list[str]]:
    """Name the corrected details; their values are personal data and stay in the sealed account."""
    before, document = recognition.before, recognition.document
    fields = Document.model_fields if before else ()
    return {"corrected": [name for name in fields if getattr(before, name) != getattr(document, name)]}


def _later(account: Account, command: BranchActivate, ctx: DecisionContext) -> Decision:
    decided = DispositivoRequest(
        id=str(ctx.uuid()),
        requested_at=ctx.now,
        submission="branch",
        via="branch",
        document=Document(**command.document.model_dump()),
        received_at=ctx.now,
        approved_at=ctx.now,
        approved_by=command.operator.id,
        approved_office=command.operator.office,
        effective_at=ctx.now + ctx.policy.branch_delay,
    )
    approval = approved(account, decided, {"request_id": decided.id, "seen": command.seen}, ctx)
    return approval.but(reply=accepted(), entries=(*_closed(account), *approval.entries))


def _closed(account: Account) -> tuple[LedgerEntry, ...]:
    request = account.dispositivo
    return (LedgerEntry("dispositivo.closed", {"request_id": request.id, "by": "branch"}),) if request else ()
