from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.envelope import Envelope, EnvelopeMaker, as_delivery, delivery_for, sender_for
from services.notifier.settings import NotifierSettings
from shared.errors import SettingsError

ID = UUID("0192d3c1-5965-7696-975e-1cb7302addf3")
BOUNCES = "ritorni@bounces.example.it"


def test_the_envelope_of_ordinary_mail_names_its_delivery_wherever_a_bounce_may_quote_it() -> None:
    maker = EnvelopeMaker(BOUNCES, verp=True, certified=False)
    assert maker.envelope(ID, "rossi@example.it") == Envelope(
        f"ritorni+{ID.hex}@bounces.example.it",
        "rossi@example.it",
        f" RET=HDRS ENVID={ID.hex}",
        " NOTIFY=FAILURE ORCPT=rfc822;rossi@example.it",
    )


def test_of_a_pec_only_its_text_is_kept_from_coming_back() -> None:
    envelope = EnvelopeMaker("pin@pec.it", verp=False, certified=True).envelope(ID, "rossi@pec.it")
    assert (envelope.mail_parameters, envelope.rcpt_parameters) == (f" RET=HDRS ENVID={ID.hex}", "")
    assert envelope.sender == "pin@pec.it"


@given(st.text("+=az09.!~", min_size=1, max_size=20))
def test_an_address_is_written_so_that_it_is_one_parameter_and_read_back_the_same(local: str) -> None:
    written = EnvelopeMaker(BOUNCES, verp=True, certified=False).envelope(ID, f"{local}@example.it")
    text = written.rcpt_parameters.partition("rfc822;")[2]
    read = "".join(chr(int(part[:2], 16)) + part[2:] if n else part for n, part in enumerate(text.split("+")))
    assert read == f"{local}@example.it"
    assert "=" not in text


@given(
    st.uuids(), st.sampled_from([BOUNCES, "a.b+c@example.it"]), st.sampled_from([str, str.upper, str.title])
)
def test_a_delivery_is_read_back_from_its_address_in_any_case(
    delivery: UUID, bounces: str, changed: type[str]
) -> None:
    assert delivery_for(changed(sender_for(bounces, delivery)), bounces) == delivery
    assert as_delivery(changed(delivery.hex)) == delivery


@pytest.mark.parametrize(
    "address",
    [
        BOUNCES,
        f"ritorni+{ID}@bounces.example.it",
        f"ritorni+{ID.hex}@example.it",
        f"ritorni+{ID.hex}x@bounces.example.it",
        f"altri+{ID.hex}@bounces.example.it",
        f"{ID.hex}@bounces.example.it",
        "",
    ],
)
def test_another_address_names_no_delivery(address: str) -> None:
    assert delivery_for(address, BOUNCES) is None


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "PIN <ritorni@example.it>",
        f"{'x' * 32}@example.it",
        "a@b@c",
        "a b@example.it",
        "a@b>\r\nRSET",
    ],
)
def test_an_address_to_which_no_delivery_could_be_added_stops_the_start(address: str) -> None:
    with pytest.raises(SettingsError, match="PIN_MAIL_BOUNCES"):
        NotifierSettings.load({"PIN_MAIL_BOUNCES": address})


def test_the_longest_address_with_a_delivery_is_one_that_smtp_takes() -> None:
    settings = NotifierSettings.load({"PIN_MAIL_BOUNCES": f"{'x' * 31}@example.it"})
    local = sender_for(settings.mail_bounces, ID).partition("@")[0]
    assert len(local) == 64
