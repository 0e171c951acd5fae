"""What providers answer in the demonstration, who gets it, and what the summary counts."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.demo.afterwards import by_provider, different, reports
from deploy.demo.answers import answers, promised_by
from deploy.demo.canaries import Canary, latest
from deploy.demo.citizen import Citizen
from deploy.demo.events import Events
from deploy.demo.session import Session
from deploy.local.bounces import bounce
from deploy.local.captured import Captured, PageCopy
from deploy.local.citizens import KINDS, citizens
from deploy.local.pec_provider import Provider
from services.notifier.envelope import EnvelopeMaker
from services.notifier.mailbox.bounce import bounce_classifier
from services.notifier.mailbox.pec_receipt import pec_classifier
from services.notifier.mailbox.pec_settings import PecSettings
from services.notifier.settings import NotifierSettings

MOBILE, EMAIL, PEC = "+393399999999", "canary@example.com", "canary@pec.example.com"


def people(folder: Path, number: int) -> Sequence[Citizen]:
    session = Session(folder, {}, Events(), Captured(folder, from_now=True), effect_in_sight=True)
    return [
        Citizen(session, kind, body, asked=str(uuid4()))
        for kind, body in citizens(number, kinds=tuple(KINDS))
    ]


@pytest.mark.parametrize(("number", "delivered", "failed"), [(1, 0, 1), (20, 1, 3), (200, 9, 3)])
def test_only_halves_that_went_by_sms_too_are_said_not_to_have_arrived(
    tmp_path: Path, number: int, delivered: int, failed: int
) -> None:
    """R5: whose half did not arrive at all would get no PIN."""
    chosen = answers(people(tmp_path, number))
    assert all("sms" in answer.citizen.issuance_channels for answer in chosen)
    assert all(bool(answer.receipts) == (answer.citizen.mailbox == "pec") for answer in chosen)
    assert len({id(answer.citizen) for answer in chosen}) == len(chosen)
    promised = promised_by(chosen)
    assert (promised["delivery.delivered"], promised["delivery.failed"]) == (delivered, failed)


def test_who_got_no_pin_is_not_answered(tmp_path: Path) -> None:
    unlucky = people(tmp_path, 20)
    for citizen in unlucky:
        citizen.asked = ""
    assert answers(unlucky) == []


def sent(sender: str, to: str, name: str) -> bytes:
    """Return a mail of ours as a server has it."""
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["To"], mail["Subject"] = f"<{name}>", sender, to, "Il suo PIN"
    mail.set_content("Gentile Anna Rossi, ABCD2345")
    return mail.as_bytes().replace(b"\n", b"\r\n")


def test_a_bounce_is_understood_by_the_worker_and_has_no_half_in_it() -> None:
    delivery, to = uuid4(), "cittadino.1@example.it"
    settings = NotifierSettings.model_validate({"mail_bounces": "ritorni@localhost.localdomain"})
    ours = EnvelopeMaker(settings.mail_bounces, verp=True, certified=False).envelope(delivery, to)
    envelope = {
        "from": f"MAIL FROM:<{ours.sender}>{ours.mail_parameters}",
        "to": f"RCPT TO:<{ours.recipient}>{ours.rcpt_parameters}",
    }
    returned = bounce(envelope, sent(settings.mail_from, to, f"{delivery.hex}@localhost.localdomain"))
    assert b"ABCD2345" not in returned
    understood = bounce_classifier(settings)(returned)
    [report] = understood.reports
    assert (report.delivery_id, report.status, report.evidence) == (delivery, "failed", "dsn_5.1.1")


@pytest.mark.parametrize("command", ["MAIL FROM:<> ENVID=0f", "MAIL FROM:<a@example.it>"])
def test_a_mail_for_which_nobody_asked_a_bounce_has_none(command: str) -> None:
    with pytest.raises(ValueError, match="nobody asked"):
        bounce({"from": command, "to": "RCPT TO:<b@example.it>"}, b"Subject: x\r\n\r\n")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the program openssl")
def test_a_receipt_is_about_the_mail_as_it_was_sent(tmp_path: Path) -> None:
    provider, delivery = Provider(tmp_path), uuid4()
    mail = sent(
        "PIN online <pin@pec.localhost.localdomain>",
        "cittadino.2@pec.example.it",
        f"{delivery.hex}@pec.localhost.localdomain",
    )
    trusted = PecSettings.load({"PIN_PEC_TRUST": str(provider.bundle())})
    understand = pec_classifier(trusted, "pin@pec.localhost.localdomain", lambda: datetime.now(UTC))
    for kind, status in {
        "accettazione": "accepted",
        "avvenuta-consegna": "delivered",
        "errore-consegna": "failed",
    }.items():
        [report] = understand(provider.receipt_of(kind, mail)).reports
        assert (report.delivery_id, report.status) == (delivery, status)


def test_the_latest_canary_of_each_channel_is_found(tmp_path: Path) -> None:
    env = {"PIN_CANARY_MOBILE": MOBILE, "PIN_CANARY_EMAIL": EMAIL, "PIN_CANARY_PEC": PEC}
    assert latest(tmp_path, {}) == []
    assert {canary.id for canary in latest(tmp_path, env)} == {None}
    folder = tmp_path / "captured/mail"
    folder.mkdir(parents=True)
    first, second, sms = uuid4(), uuid4(), uuid4()
    taken = [{"to": "+393331", "client_ref": str(uuid4())}, {"to": MOBILE, "client_ref": str(sms)}]
    envelopes = [
        {"mail": "pec-1.eml", "from": f"MAIL FROM:<a@b> ENVID={first.hex}", "to": f"RCPT TO:<{PEC}>"},
        {"mail": "pec-2.eml", "from": f"MAIL FROM:<a@b> ENVID={second.hex}", "to": f"RCPT TO:<{PEC}>"},
        {"mail": "pec-3.eml", "from": f"MAIL FROM:<a@b> ENVID={sms.hex}", "to": "RCPT TO:<c@d>"},
    ]
    for path, lines in {"captured/sms.jsonl": taken, "captured/mail/envelopes.jsonl": envelopes}.items():
        (tmp_path / path).write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"unfinished')
    assert latest(tmp_path, env) == [
        Canary("sms", MOBILE, sms),
        Canary("email", EMAIL),
        Canary("pec", PEC, second, folder / "pec-2.eml"),
    ]


def test_reports_and_providers_are_counted_as_the_ledger_has_them() -> None:
    def entry(kind: str, **data: str) -> dict[str, str]:
        return {"kind": kind, "data": json.dumps(data)}

    entries = [
        entry("delivery.sent", channel="pec"),
        entry("delivery.accepted", channel="pec", evidence="pec_accettazione"),
        entry("delivery.accepted", channel="pec", evidence="pec_accettazione"),
        entry("pin.issued", evidence="none"),
    ]
    assert reports(entries) == {("pec", "accepted", "pec_accettazione"): 2}
    rows = [("sms", "first:sms-1"), ("sms", "second:sms-1"), ("sms", ""), ("sms", "sms-2"), ("email", "a:b")]
    assert by_provider({"channel": one, "reference": two} for one, two in rows) == {"first": 1, "second": 1}


def test_an_sms_that_two_gateways_have_has_one_text() -> None:
    one, other = uuid4(), uuid4()
    copies = [PageCopy(one, "sms", MOBILE, text, text) for text in ("ABCD2345", "ABCD2345")]
    assert different([*copies, PageCopy(other, "sms", MOBILE, "EFGH2345", "EFGH2345")]) == []
    assert len(different([*copies, PageCopy(one, "sms", MOBILE, "EFGH2345", "EFGH2345")])) == 1
