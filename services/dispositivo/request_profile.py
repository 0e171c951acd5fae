"""A citizen asks for the dispositivo profile and gets the form to sign (R22, R23)."""

import base64
import hashlib
from collections.abc import Callable
from typing import cast

from services.dispositivo.application import Form, Submission
from services.dispositivo.texts import NOTICES
from shared.contract import dispositivo as contract
from shared.contract.events import DispositivoRequested
from shared.contract.reply import Reply, accepted, rejected
from shared.domain.account import Account, DispositivoRequest, Residence
from shared.domain.decision import Decision, DecisionContext, Event, LedgerEntry
from shared.italy.countries import COUNTRIES
from shared.italy.dates import day_of
from shared.italy.names import given


class ProfileRequests:
    """Decides about requests for the profile.

    Args:
        typeset: makes the form a PDF. It takes 0.25 ms, so it may run in the transaction.
    """

    def __init__(self, typeset: Callable[[Form], bytes]) -> None:
        self._typeset = typeset

    def __call__(
        self, account: Account, command: contract.DispositivoRequest, ctx: DecisionContext
    ) -> Decision:
        """Open a request and answer with its form.

        A repeated request while one is open returns the same request and its form, marked with the way
        chosen now: the form may have been lost, and a form signed before stays valid.
        """
        if account.status != "active":
            return Decision(reply=rejected("no_active_pin"))
        if account.level == "dispositivo":
            return Decision(reply=rejected("already_dispositivo"))
        if account.dispositivo:
            return self._retry(account, account.dispositivo, command.submission)
        return self._open(account, command.submission, ctx)

    def _open(self, account: Account, submission: str, ctx: DecisionContext) -> Decision:
        request = DispositivoRequest(id=str(ctx.uuid()), requested_at=ctx.now, submission=submission)
        return Decision(
            reply=self._form(account, request),
            account=account.but(dispositivo=request),
            entries=(
                LedgerEntry("dispositivo.requested", {"request_id": request.id, "submission": submission}),
            ),
            events=(Event(DispositivoRequested()),),
            deliveries=NOTICES.outcome(account, "request_open", ctx),
        )

    def _retry(self, account: Account, request: DispositivoRequest, submission: str) -> Decision:
        if request.submission == submission:
            return Decision(reply=self._form(account, request))
        changed = request.but(submission=submission)
        facts = {"request_id": request.id, "submission": submission}
        return Decision(
            reply=self._form(account, changed),
            account=account.but(dispositivo=changed),
            entries=(LedgerEntry("dispositivo.submission_changed", facts),),
        )

    def _form(self, account: Account, request: DispositivoRequest) -> Reply:
        pdf = self._typeset(_filled(account, request))
        return accepted(
            request_id=request.id,
            form={
                "media_type": "application/pdf",
                "sha256": hashlib.sha256(pdf).hexdigest(),
                "content": base64.b64encode(pdf).decode(),
            },
        )


def _filled(account: Account, request: DispositivoRequest) -> Form:
    holder = account.holder
    if holder is None:
        raise ValueError("an active PIN is somebody's")
    return Form(
        request_id=request.id,
        language=holder.language,
        codice_fiscale=holder.codice_fiscale,
        surname=given(holder.surname),
        name=given(holder.name),
        birth_date=holder.birth_date,
        birth_place=holder.birth_place,
        birth_province=holder.birth_province,
        sex=holder.sex,
        residence=_lines(holder.residence),
        contacts=tuple((kind, value) for kind, value in account.contacts.known().items() if value),
        requested_on=day_of(request.requested_at),
        submission=cast("Submission", request.submission),
    )


def _lines(home: Residence) -> tuple[str, ...]:
    if home.country == "IT":
        return f"{home.street} {home.number}", f"{home.postal_code} {home.municipality} {home.province}"
    place = f"{home.postal_code} {home.municipality}".strip()
    return *home.lines, place, COUNTRIES[home.country]
