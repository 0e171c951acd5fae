"""PEC receipts: what counts is what a provider that we trust has signed, and nothing else (RFC 6109)."""

import base64
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.local.pec_provider import (
    DAY,
    PROVIDER,
    RECIPIENT,
    SENDER,
    Provider,
    Signer,
    authority,
    daticert,
    entity,
    mail,
    message_id,
    pem,
)
from services.notifier.mailbox.evidence import Understood
from services.notifier.mailbox.pec_receipt import pec_classifier
from services.notifier.mailbox.pec_settings import PecSettings
from shared.errors import SettingsError
from tests.unit.decisions import moment

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs the program openssl")
NOW = datetime.now(UTC).replace(microsecond=0)
ID = moment(NOW - timedelta(hours=1)).delivery_id()
ABOUT = message_id(ID)
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - which is the point
NO_SHA1 = {"PIN_PEC_SHA1": "false"}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    return Provider(tmp_path_factory.mktemp("pec"))


def understood(
    provider: Provider,
    raw: bytes,
    later: timedelta = timedelta(0),
    settings: dict[str, str] | None = None,
) -> Understood:
    """Return what is understood of a mail that is read so much later than now."""
    trusted = {"PIN_PEC_TRUST": str(provider.bundle())}
    known = PecSettings.load(trusted | (settings or {}))
    return pec_classifier(known, SENDER, lambda: datetime.now(UTC) + later)(raw)


def opaque(signature: bytes) -> bytes:
    """Return a mail whose content is within its signature."""
    head = (
        f"From: {PROVIDER}\r\nTo: {SENDER}\r\nSubject: RICEVUTA\r\nMIME-Version: 1.0\r\n"
        'Content-Type: application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(signature).replace(b"\n", b"\r\n")


def uncounted(found: Understood) -> str:
    """Return why a mail changes nothing."""
    assert (found.reports, found.unknown) == ((), True)
    return found.reason


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("accettazione", "accepted"),
        ("non-accettazione", "failed"),
        ("presa-in-carico", "accepted"),
        ("avvenuta-consegna", "delivered"),
        ("errore-consegna", "failed"),
        ("rilevazione-virus", "failed"),
    ],
)
def test_each_kind_of_receipt_says_what_became_of_the_delivery(
    provider: Provider, kind: str, status: str
) -> None:
    found = understood(provider, provider.receipt(kind, ID, given_to=RECIPIENT, at=NOW))
    word = "pec_" + kind.replace("-", "_")
    assert (found.reason, found.unknown, found.kept) == (word, False, None)
    (report,) = found.reports
    assert (report.channel, report.delivery_id, report.status, report.evidence) == ("pec", ID, status, word)
    assert report.provider == "pec.example.com"
    assert report.occurred_at == NOW.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.mark.parametrize("kind", ["completa", "breve", "sintetica"])
def test_each_form_of_the_receipt_of_delivery_counts(provider: Provider, kind: str) -> None:
    raw = provider.receipt("avvenuta-consegna", ID, more=f'<ricevuta tipo="{kind}"/>')
    assert understood(provider, raw).reason == "pec_avvenuta_consegna"


@pytest.mark.parametrize(("hours", "word"), [(12, "12h"), (24, "24h")])
def test_the_notices_of_delay_are_told_apart_and_end_nothing(
    provider: Provider, hours: int, word: str
) -> None:
    sent = moment(NOW - timedelta(hours=hours)).delivery_id()
    (report,) = understood(provider, provider.receipt("preavviso-errore-consegna", sent, at=NOW)).reports
    assert (report.status, report.evidence) == ("delayed", f"pec_preavviso_errore_consegna_{word}")
    old = UUID(int=5, version=4)
    (report,) = understood(provider, provider.receipt("preavviso-errore-consegna", old)).reports
    assert report.evidence == "pec_preavviso_errore_consegna"


def test_a_recipient_that_is_ordinary_mail_is_reported_as_unsuitable(provider: Provider) -> None:
    found = understood(provider, provider.receipt("accettazione", ID, certified=False))
    assert [(report.status, report.evidence) for report in found.reports] == [
        ("accepted", "pec_accettazione"),
        ("unsuitable", "pec_esterno"),
    ]


def test_the_same_mail_is_understood_the_same_whenever_it_is_read(provider: Provider) -> None:
    raw = provider.receipt("avvenuta-consegna", ID, given_to=RECIPIENT)
    assert understood(provider, raw) == understood(provider, raw, 10 * DAY)


@pytest.mark.parametrize("type_", ["application/x-pkcs7-signature", "application/pkcs7-signature"])
@pytest.mark.parametrize("encoding", ["base64", "binary"])
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_signatures_come_in_several_forms(provider: Provider, type_: str, encoding: str, digest: str) -> None:
    signed = entity([daticert("accettazione", ABOUT)])
    signature = provider.signer.sign(signed, digest=digest)
    raw = mail(signed, signature, type_=type_, encoding=encoding)
    assert understood(provider, raw).reason == "pec_accettazione"


def test_a_mail_whose_lines_end_in_lf_is_verified_as_it_was_signed(provider: Provider) -> None:
    raw = provider.receipt("accettazione", ID).replace(b"\r\n", b"\n")
    assert understood(provider, raw).reason == "pec_accettazione"


def test_an_opaque_signature_counts_as_well(provider: Provider) -> None:
    signed = entity([daticert("avvenuta-consegna", ABOUT)])
    raw = opaque(provider.signer.sign(signed, opaque=True))
    assert understood(provider, raw).reason == "pec_avvenuta_consegna"


def test_an_rsa_key_and_an_authority_between_count(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    key = rsa.generate_private_key(65537, 2048)
    provider.signer = provider.root.issue(None).issue(PROVIDER, key=key)
    assert understood(provider, provider.receipt("accettazione", ID)).reason == "pec_accettazione"


def test_the_certificate_of_a_provider_itself_can_be_trusted(provider: Provider) -> None:
    path = provider.bundle()
    path.write_bytes(pem(provider.signer.certificate))
    raw = provider.receipt("accettazione", ID)
    assert understood(provider, raw, settings={"PIN_PEC_TRUST": str(path)}).reason == "pec_accettazione"


def test_sha_1_counts_unless_the_policy_refuses_it(provider: Provider) -> None:
    signed = entity([daticert("accettazione", ABOUT)])
    raw = mail(signed, provider.signer.sign(signed, digest="sha1"))
    assert understood(provider, raw).reason == "pec_accettazione"
    assert uncounted(understood(provider, raw, settings=NO_SHA1)) == "pec_weak_digest"
    assert understood(provider, provider.receipt("accettazione", ID), settings=NO_SHA1).reports


def test_no_weaker_digest_ever_counts(provider: Provider) -> None:
    signed = entity([daticert("accettazione", ABOUT)])
    signer = provider.root.issue(PROVIDER, key=rsa.generate_private_key(65537, 2048))
    raw = mail(signed, signer.sign(signed, digest="md5"))
    assert uncounted(understood(provider, raw)) == "pec_weak_digest"


def test_a_certificate_that_has_expired_since_counts(tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    provider.signer = provider.root.issue(PROVIDER, (-DAY, DAY))
    assert understood(provider, provider.receipt("accettazione", ID), 10 * DAY).reports


@pytest.mark.parametrize("valid", [(-10 * DAY, -DAY), (DAY, 10 * DAY)], ids=["expired", "not yet valid"])
def test_a_certificate_that_was_not_valid_at_signing_counts_for_nothing(
    tmp_path: Path, valid: tuple[timedelta, timedelta]
) -> None:
    provider = Provider(tmp_path)
    provider.signer = provider.root.issue(PROVIDER, valid)
    raw = provider.receipt("avvenuta-consegna", ID)
    assert uncounted(understood(provider, raw)) == "pec_bad_signature"


@pytest.mark.parametrize(
    ("later", "reason"), [(40 * DAY, "pec_signed_long_ago"), (-DAY, "pec_signed_in_future")]
)
def test_who_steals_an_old_key_cannot_date_a_receipt_back(
    provider: Provider, later: timedelta, reason: str
) -> None:
    """The certificate was valid at the time that the signature claims, which is all that it proves."""
    raw = provider.receipt("avvenuta-consegna", ID)
    assert uncounted(understood(provider, raw, later)) == reason
    longer = {"PIN_PEC_SIGNED_WITHIN": "P60D"}
    assert bool(understood(provider, raw, later, longer).reports) == (later > timedelta(0))


def test_a_forged_signature_counts_for_nothing(provider: Provider) -> None:
    """By another authority of the same name, by nobody's, or by one that is no provider."""
    signed = entity([daticert("avvenuta-consegna", ABOUT)])

    def by(signer: Signer) -> str:
        return uncounted(understood(provider, mail(signed, signer.sign(signed))))

    assert by(authority().issue(PROVIDER)) == "pec_bad_signature"
    itself = authority()
    assert by(itself) == "pec_bad_signature"
    assert by(provider.root.issue("anna@pec.example.com")) == "pec_other_signer"
    tls = provider.root.issue(PROVIDER, purposes=[ExtendedKeyUsageOID.SERVER_AUTH])
    assert by(tls) == "pec_bad_signature"
    # Who has a certificate for mail is no authority.
    assert by(provider.root.issue("anna@pec.example.com").issue(PROVIDER)) == "pec_bad_signature"
    assert by(provider.root.issue(PROVIDER, key=WEAK)) == "pec_weak_key"


def test_a_citizen_with_a_certificate_of_the_same_authority_is_no_provider(provider: Provider) -> None:
    signed = entity([daticert("avvenuta-consegna", ABOUT)])
    citizen = "anna@pec.example.com"
    raw = mail(signed, provider.root.issue(citizen).sign(signed), sender=citizen)
    assert uncounted(understood(provider, raw)) == "pec_no_provider"


def test_a_part_altered_by_one_byte_counts_for_nothing(provider: Provider) -> None:
    raw = provider.receipt("errore-consegna", ID)
    place = raw.index(b"Ricevuta\r\n")
    assert uncounted(understood(provider, raw[:place] + b"r" + raw[place + 1 :])) == "pec_bad_signature"


def test_headers_that_anybody_can_write_prove_nothing(provider: Provider) -> None:
    """What the certified data say counts, whatever `X-Ricevuta` and the subject say."""
    signed = entity([daticert("accettazione", ABOUT)])
    raw = provider.mail(signed, kind="avvenuta-consegna", about="0" * 32)
    (report,) = understood(provider, raw).reports
    assert (report.status, report.delivery_id) == ("accepted", ID)
    unsigned = signed.replace(
        b"Content-Type: multipart", b"X-Ricevuta: avvenuta-consegna\r\nContent-Type: multipart"
    )
    assert (
        uncounted(understood(provider, b"From: posta-certificata@pec.example.com\r\n" + unsigned))
        == "pec_not_signed"
    )


FORGED = b'Content-Type: application/xml; name="daticert.xml"\r\n\r\n' + daticert("errore-consegna", ABOUT)


def test_what_is_outside_the_signed_part_is_not_looked_at(provider: Provider) -> None:
    """Signature wrapping."""
    whole = provider.receipt("accettazione", ID)
    outer = (
        b'From: posta-certificata@pec.example.com\r\nContent-Type: multipart/mixed; boundary="top"\r\n\r\n'
    )
    wrapped = outer + b"--top\r\n" + whole + b"\r\n--top\r\n" + FORGED + b"\r\n--top--\r\n"
    assert uncounted(understood(provider, wrapped)) == "pec_not_signed"
    third = whole.replace(b"--outer--\r\n", b"--outer\r\n" + FORGED + b"\r\n--outer--\r\n")
    assert uncounted(understood(provider, third)) == "pec_malformed"
    before = whole.replace(b"\r\n--outer\r\n", b"\r\n--outer\r\n" + FORGED + b"\r\n--outer\r\n", 1)
    assert uncounted(understood(provider, before)) == "pec_malformed"
    for epilogue in (
        whole + FORGED,
        whole + b"--outer\r\n" + FORGED + b"\r\n--outer--\r\n",
        whole.replace(b"This is an S/MIME signed message", FORGED),
    ):
        (report,) = understood(provider, epilogue).reports
        assert report.status == "accepted"


def test_two_kinds_of_content_or_a_second_boundary_are_refused(provider: Provider) -> None:
    whole = provider.receipt("accettazione", ID)
    twice = b'Content-Type: multipart/mixed; boundary="other"\r\n' + whole
    assert uncounted(understood(provider, twice)) == "pec_malformed"


def test_a_signed_mail_within_a_signed_mail_counts_for_nothing(provider: Provider) -> None:
    """A provider signs whatever a user of it sends, an old receipt for example."""
    forged = mail(FORGED, authority().issue(PROVIDER).sign(FORGED), boundary="within")
    assert uncounted(understood(provider, provider.mail(forged))) == "pec_signed_within"
    old = provider.receipt("errore-consegna", ID).replace(b"outer", b"within")
    enclosing = entity([], enclosed=old)
    assert uncounted(understood(provider, provider.mail(enclosing))) == "pec_no_daticert"


def test_a_mail_that_somebody_sent_us_by_pec_is_no_receipt(provider: Provider) -> None:
    """Its provider signs it as it does a receipt; what it encloses is the sender's."""
    forged = provider.receipt("errore-consegna", ID).replace(b"outer", b"within")
    raw = provider.mail(entity([daticert("posta-certificata", ABOUT)], enclosed=forged))
    assert uncounted(understood(provider, raw)) == "pec_message"


def test_two_certified_data_or_two_messages_count_for_nothing(provider: Provider) -> None:
    two = [daticert("accettazione", ABOUT), daticert("errore-consegna", ABOUT)]
    assert uncounted(understood(provider, provider.mail(entity(two)))) == "pec_two_daticert"
    other = daticert("accettazione", ABOUT, more=f"<msgid>{message_id(UUID(int=1))}</msgid>")
    assert uncounted(understood(provider, provider.mail(entity([other])))) == "pec_two_messages"
    referring = entity(
        [daticert("accettazione", ABOUT)], headers=f"X-Riferimento-Message-ID: <{UUID(int=1).hex}@x.it>\r\n"
    )
    assert uncounted(understood(provider, provider.mail(referring))) == "pec_two_messages"
    agreeing = entity([daticert("accettazione", ABOUT)], headers=f"X-Riferimento-Message-ID: <{ABOUT}>\r\n")
    assert understood(provider, provider.mail(agreeing)).reports


@pytest.mark.parametrize(
    "about",
    ["", "somebody@else.example", "x" + ABOUT, ABOUT.upper(), ABOUT[1:]],
    ids=["none", "another", "longer", "upper", "shorter"],
)
def test_a_receipt_for_a_message_that_is_not_ours_changes_nothing(provider: Provider, about: str) -> None:
    raw = provider.mail(entity([daticert("avvenuta-consegna", about)]))
    assert uncounted(understood(provider, raw)) == "pec_other_message"


def test_a_receipt_about_other_recipients_changes_nothing(provider: Provider) -> None:
    """Every mail of ours has one."""
    many = provider.receipt("avvenuta-consegna", ID, recipients=[RECIPIENT, "carla@pec.example.it"])
    assert uncounted(understood(provider, many)) == "pec_many_recipients"
    twice = provider.receipt("avvenuta-consegna", ID, recipients=[RECIPIENT, RECIPIENT.upper()])
    assert understood(provider, twice).reports
    other = provider.receipt("errore-consegna", ID, given_to="carla@pec.example.it")
    assert uncounted(understood(provider, other)) == "pec_other_recipient"


def test_a_receipt_about_a_mail_of_somebody_else_under_our_message_id_changes_nothing(
    provider: Provider,
) -> None:
    """Its signature is genuine: who knows a Message-ID can send a PEC under it and forward the receipt."""
    assert understood(provider, provider.receipt("errore-consegna", ID, sender=SENDER.upper())).reports
    forwarded = provider.receipt("errore-consegna", ID, sender="mallory@pec.example.it")
    assert uncounted(understood(provider, forwarded)) == "pec_other_sender"


LAUGHS = b"".join(b'<!ENTITY l%d "&l%d;&l%d;">' % (n + 1, n, n) for n in range(60))
BOMBS = {
    "entities": (
        b'<!DOCTYPE postacert [<!ENTITY l0 "ha">%s]><postacert tipo="&l60;">&l60;</postacert>' % LAUGHS,
        "declares",
    ),
    "a file": (
        b'<!DOCTYPE p [<!ENTITY f SYSTEM "file:///etc/passwd">]><postacert>&f;</postacert>',
        "declares",
    ),
    "a document type": (b'<!DOCTYPE postacert SYSTEM "http://localhost/x.dtd"><postacert/>', "declares"),
    "depth": (b"<a>" * 5000 + b"</a>" * 5000, "too_large"),
    "elements": (b"<postacert>" + b"<a/>" * 10_000 + b"</postacert>", "too_large"),
    "size": (b"<postacert>" + b" " * 200_000 + b"</postacert>", "too_large"),
    "no end": (b"<postacert><dati>", "unreadable"),
    "nothing": (b"", "unreadable"),
    "no XML": (b"\x00\xff" * 100, "unreadable"),
    "another root": (b"<other><dati><msgid>x</msgid></dati></other>", "unreadable"),
    "another place": (b"<postacert tipo='accettazione'><msgid>x</msgid></postacert>", "unreadable"),
    "an encoding": (b'<?xml version="1.0" encoding="utf-7"?><postacert/>', "unreadable"),
}


@pytest.mark.parametrize(("bomb", "reason"), BOMBS.values(), ids=BOMBS.keys())
def test_xml_that_was_made_to_do_harm_does_none(provider: Provider, bomb: bytes, reason: str) -> None:
    """Also when a provider that we trust has signed it."""
    assert uncounted(understood(provider, provider.mail(entity([bomb])))) == f"pec_daticert_{reason}"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"From: a@b.it\r\nContent-Type: multipart/signed\r\n\r\n",
        b'Content-Type: multipart/signed; boundary=""\r\n\r\n--\r\n\r\n--\r\n\r\n----\r\n',
        b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n\x30\x80",
        b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%",
        b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: x\r\n\r\n",
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n",
        b"Subject: hello\r\n\r\nWhere is my PIN?\r\n",
    ],
)
def test_what_is_no_receipt_is_for_a_person(provider: Provider, raw: bytes) -> None:
    assert re.fullmatch(
        "pec_(malformed|not_signed|signature_unreadable)", uncounted(understood(provider, raw))
    )


def test_no_bytes_of_a_signature_make_the_reader_fail(provider: Provider) -> None:
    signed = entity([daticert("accettazione", ABOUT)])
    signature = provider.signer.sign(signed)
    for place in range(0, len(signature), 3):
        for byte in (0x00, 0x80, 0xFF, signature[place] ^ 1):
            broken = signature[:place] + bytes([byte]) + signature[place + 1 :]
            if place < 40 or place % 60 == 0:
                understood(provider, mail(signed, broken))
    for size in range(0, len(signature), 50):
        assert uncounted(understood(provider, mail(signed, signature[:size])))


def test_nothing_counts_while_nobody_is_trusted(provider: Provider) -> None:
    raw = provider.receipt("accettazione", ID)
    assert uncounted(understood(provider, raw, settings={"PIN_PEC_TRUST": ""})) == "pec_no_trust"


HALF = b"K7QX2MWR"
OWN_MAIL = (
    f"Message-ID: <{ABOUT}>\r\nContent-Type: text/plain\r\n\r\nIl suo PIN:\r\n".encode() + HALF + b"\r\n"
)


def test_what_is_kept_of_a_receipt_has_not_the_mail_that_it_encloses(provider: Provider) -> None:
    """R5: a complete receipt brings the half back."""
    for trusted in (str(provider.bundle()), ""):
        raw = provider.mail(entity([daticert("avvenuta-consegna", ABOUT)], enclosed=OWN_MAIL))
        assert HALF in raw
        found = understood(provider, raw, settings={"PIN_PEC_TRUST": trusted})
        assert bool(found.reports) == bool(trusted)
        assert found.kept is not None
        assert HALF not in found.kept
        assert b"daticert.xml" in found.kept
        assert found == understood(provider, raw, settings={"PIN_PEC_TRUST": trusted})
    inner = entity([daticert("avvenuta-consegna", ABOUT)], enclosed=OWN_MAIL)
    whole = opaque(provider.signer.sign(inner, opaque=True))
    kept = understood(provider, whole).kept
    assert kept is not None
    assert b"daticert.xml" in kept
    assert b"smime" not in kept


def test_a_machine_that_cannot_verify_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    provider = Provider(tmp_path)
    right = PecSettings.load({"PIN_PEC_TRUST": str(provider.bundle())})
    assert list(right.faults()) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [fault.partition(":")[0] for fault in right.faults()] == ["PIN_PEC_TRUST"]
    with pytest.raises(SettingsError, match=r"PIN_PEC_TRUST: No such file.*; PIN_PEC_TRUST: .*openssl"):
        PecSettings.load({"PIN_PEC_TRUST": str(tmp_path / "none.pem")})
