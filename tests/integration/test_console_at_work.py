"""The console with real workers behind it: what operators do on its pages takes effect, and once."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack
from deploy.web import console as package
from deploy.web.asking import Commands
from tests.integration.test_dispositivo import DOCUMENT
from tests.kit.clients import portal
from tests.kit.seeding import accounts, active_citizens
from tests.unit.web.console.browser import PASSWORD, Broker, Browser, settings_of

TYPED = {f"document.{name}": value for name, value in DOCUMENT.items()}


class Desk(Browser):
    """A browser in the loop of the test."""

    async def look(self, path: str) -> "Desk":
        """Open a page."""
        return self._shown(await self.client.get(path))

    async def post(self, action: str, data: dict[str, str] | None = None, **more: Any) -> "Desk":  # noqa: ANN401 - as httpx
        """Send the form of this page that goes to `action`, and wait as the page that waits does."""
        form = {**self.hidden(action), **(data or {})}
        self._shown(await self.client.post(action, data=form, **more))
        while self.status == 202:
            self._shown(await self.client.post("/waiting", data=self.hidden("/waiting")))
        return self

    async def log_in(self, name: str) -> "Desk":
        """Log in as somebody."""
        return await (await self.look("/log-in")).post("/log-in", {"id": name, "password": PASSWORD})


@asynccontextmanager
async def desk(stack: Stack, folder: Path) -> AsyncIterator[Desk]:
    chosen = {"PIN_AMQP_URL": stack.env["PIN_OPERATOR_AMQP_URL"], "PIN_KEYS_DIR": stack.env["PIN_KEYS_DIR"]}
    settings = settings_of(folder, **chosen)
    app = package.application(settings)
    async with Commands(settings) as commands:
        app.state.commands = commands
        browser = Desk(app, Broker())
        yield browser
        await browser.client.aclose()


async def test_a_fax_is_taken_in_shown_and_approved_once(stack: Stack, tmp_path: Path) -> None:
    """R23 to R25: the form that the worker made carries the code that the fax desk reads."""
    (citizen,) = await active_citizens(stack, 1)
    stack.settings |= {"PIN_DISPOSITIVO_DELAY": "PT24H", "PIN_REQUIRE_SEEN": "true"}
    stack.start_worker("dispositivo")
    async with portal(stack) as at_home, desk(stack, tmp_path) as at_centre:
        asked = {"codice_fiscale": citizen, "submission": "fax"}
        data = (await at_home.ask("dispositivo.request", asked))["data"]
        form = base64.b64decode(data["form"]["content"])
        await at_centre.log_in("c.centro")
        await at_centre.look("/fax")
        await at_centre.post("/fax", files={"signed_form": ("fax.pdf", form, "application/pdf")})
        assert data["request_id"] in at_centre.html
        details = {"request_id": data["request_id"], "codice_fiscale": citizen, **TYPED}
        assert "Fax registrato" in (await at_centre.post("/fax/submit", details)).text
        await (await at_centre.look("/review")).post("/review")
        await at_centre.post("/review/request")
        assert citizen in at_centre.text
        seen = at_centre.hidden("/review/approve")
        shown = await at_centre.client.get(
            at_centre.html.split('class="pin-document" src="')[1].split('"')[0]
        )
        assert "Pagina 1 di 1" in shown.text
        assert "Richiesta approvata" in (await at_centre.post("/review/approve")).text
        # The same form again is the same message; a decision on what was shown before is one too late.
        again = await at_centre.client.post("/review/approve", data=seen)
        assert "Richiesta approvata" in again.text
        await at_centre.look("/review")
        late = {**seen, "once": at_centre.hidden("/review")["once"]}
        refused = await at_centre.client.post("/review/approve", data=late)
        assert "Nel frattempo qualcosa è cambiato" in refused.text or "non è più aperta" in refused.text
    (account,) = await accounts(stack)
    assert account.dispositivo
    assert account.dispositivo.approved_by == "c.centro"


async def test_a_citizen_at_the_counter_becomes_dispositivo_with_the_corrected_document(
    stack: Stack, tmp_path: Path
) -> None:
    """R26."""
    (citizen,) = await active_citizens(stack, 1)
    stack.settings |= {"PIN_REQUIRE_SEEN": "true"}
    stack.start_worker("dispositivo")
    async with desk(stack, tmp_path) as at_counter:
        await at_counter.log_in("s.sede")
        await (await at_counter.look("/branch")).post("/branch", {"codice_fiscale": citizen})
        assert at_counter.status == 200
        await at_counter.post("/branch/activate", {**TYPED, "recognised": "yes"})
        assert "PIN dispositivo attivato" in at_counter.text
        await (await at_counter.look("/branch")).post("/branch", {"codice_fiscale": citizen})
        assert TYPED["document.number"] in at_counter.html  # what was shown is on file
    (account,) = await accounts(stack)
    assert account.level == "dispositivo"


async def test_a_pin_is_revoked_by_phone(stack: Stack, tmp_path: Path) -> None:
    """R21."""
    (citizen,) = await active_citizens(stack, 1)
    stack.start_worker("revoker")
    async with desk(stack, tmp_path) as at_phone:
        await at_phone.log_in("c.centro")
        details = {"codice_fiscale": citizen, "reason": "Senza tessera sanitaria"}
        await (await at_phone.look("/phone")).post("/phone", details)
        assert "PIN revocato" in (await at_phone.post("/phone/revoke")).text
        await (await at_phone.look("/phone")).post("/phone", details)
        assert "non ha un PIN da revocare" in (await at_phone.post("/phone/revoke")).text
