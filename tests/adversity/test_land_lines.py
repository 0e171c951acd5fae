"""A land line that looks like a mobile is found once: nothing goes there again, until another is given."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.client import Client
from deploy.local.stack import Stack
from tests.adversity.people import citizen, ended, issued, standing
from tests.kit.clients import operator, portal
from tests.kit.harness import MAIN_WAY
from tests.kit.invariants import every_chain_verifies

WORKERS = (*MAIN_WAY, "revoker")
SETTINGS = {"PIN_RELAY_INTERVAL": "PT0.1S"}
WHO = {"id": "op-1", "office": "Contact Center"}


@pytest.fixture
async def client(running: Stack) -> AsyncIterator[Client]:
    running.fake_providers.behave()
    async with portal(running) as opened:
        yield opened
    running.fake_providers.behave()


async def test_a_land_line_is_found_once_and_not_tried_again(running: Stack, client: Client) -> None:
    """R5, R12."""
    body = citizen()
    number, codice_fiscale = body["contacts"]["mobile"], body["codice_fiscale"]
    land_line = {"mode": "status", "status": 422, "code": "landline", "only": number}
    running.fake_providers.misbehave(sms=land_line)
    (pin,) = await issued(running, client, [body])
    await standing(running, [pin.carriers["sms"]], {"failed"})
    entry, found = await ended(running, pin.subject, "contacts.unsuitable")
    assert number not in entry.text
    (unsuitable,) = found.accounts[pin.subject].unsuitable
    assert (unsuitable.kind, unsuitable.value) == ("mobile", number)
    assert found.accounts[pin.subject].status == "issued"
    # From here on it would take an SMS: none is sent.
    running.fake_providers.behave()
    async with operator(running) as console:
        revoke = {"codice_fiscale": codice_fiscale, "operator": WHO, "reason": "lost"}
        assert (await console.ask("revoke.by_contact_centre", revoke))["code"] == "accepted"
        (again,) = await issued(running, client, [body])
        assert "sms" not in again.carriers
        assert (await console.ask("revoke.by_contact_centre", revoke))["code"] == "accepted"
    other = citizen()["contacts"]["mobile"]
    (anew,) = await issued(running, client, [{**body, "contacts": body["contacts"] | {"mobile": other}}])
    found = await standing(running, [*again.carriers.values(), *anew.carriers.values()], {"sent"})
    assert "sms" in anew.carriers
    assert number not in {sms["to"] for sms in running.fake_providers.sms()}
    every_chain_verifies(found)
