"""From a decision to the HTML of its mail: the link that we made is one, and what others wrote is none."""

import pytest

from services.dispositivo import istanze
from services.notifier.channels.mail import as_html
from services.revoker import restore, revoke
from shared.contract.delivery import Mail
from shared.domain.decision import Decision
from tests.unit.decisions import CONTACTS, POLICY, account, moment, read


def html_of(decision: Decision) -> str:
    [mail] = [d.content for d in decision.deliveries if isinstance(d.content, Mail) and d.content.to == TO]
    return as_html(mail.text.reveal(), mail.link)


TO = CONTACTS.email or ""


@pytest.mark.parametrize("flow", ["restore", "revoke"])
def test_the_link_to_confirm_is_a_link(flow: str) -> None:
    """R14, R20."""
    if flow == "restore":
        contacts = {"mobile": CONTACTS.mobile, "email": CONTACTS.email}
        html = html_of(
            restore.request(account("active"), read("restore.request", contacts=contacts), moment())
        )
    else:
        citizen = account("active", contacts=CONTACTS.but(email=None))
        html = html_of(revoke.request(citizen, read("revoke.request", email=TO), moment()))
    assert html.count("<a ") == 1
    assert f'<p><a href="{POLICY.portal_url}/{flow}/confirm?token=' in html


@pytest.mark.parametrize(
    "service",
    [
        "Bonus: https://www.premi.example/ora",
        f"Bonus {POLICY.portal_url}/x",
        "www.premi.example",
        "bonus@premi.it",
    ],
)
def test_a_service_that_a_portal_names_is_none(service: str) -> None:
    """R31: nor does a program that shows the mail make one of it."""
    html = html_of(istanze.submit(account(), read("istanza.submit", service=service), moment(known=1)))
    assert "<a " not in html
    assert "://" not in html
    assert not [word for word in ("www.premi", "premi.example", "premi.it", "www.example.it") if word in html]


def test_a_service_stays_within_its_paragraph() -> None:
    """R31."""
    service = "Bonus\u2028\u2029</p><h1>Vinci</h1>"
    html = html_of(istanze.submit(account(), read("istanza.submit", service="x"), moment(known=1)))
    command = read("istanza.submit", service="x").model_copy(update={"service": service})
    other = html_of(istanze.submit(account(), command, moment(known=1)))
    assert other.count("<p") == html.count("<p")
    assert "<h1>" not in other
