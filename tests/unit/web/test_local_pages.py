"""What a local stack tells its pages: each its own secret and user, and no key that opens anything."""

import stat
import tomllib
from pathlib import Path

import argon2
import pytest

from deploy.local import environment
from deploy.local.console_people import PEOPLE, made_passwords, make_people
from deploy.local.directory import directory
from deploy.local.fake_providers import FakeProviders
from deploy.local.ports import Ports
from deploy.local.processes import Process
from deploy.local.web_pages import MAILBOX, WebPages
from deploy.web.console.settings import ConsoleSettings
from deploy.web.settings import WebSettings
from shared.config.settings import PlaintextSettings, unknown
from shared.crypto.keys import make_keys

SETTINGS: dict[str, type[WebSettings]] = {"portal": WebSettings, "console": ConsoleSettings}
URLS = {
    "PIN_PORTAL_AMQP_URL": "amqp://portal:x@127.0.0.1:1/",
    "PIN_OPERATOR_AMQP_URL": "amqp://operator:x@127.0.0.1:1/",
    "PIN_SUPERVISOR_AMQP_URL": "amqp://supervisor:x@127.0.0.1:1/",
    "PIN_ISSUER_AMQP_URL": "amqp://issuer:x@127.0.0.1:1/",
    "PIN_LEDGER_DSN": "postgresql://pinctl:x@127.0.0.1:1/ledger",
    "PIN_SMTP_PASSWORD": "secret",
}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / ".local"
    (folder / "run").mkdir(parents=True)
    (folder / "log").mkdir()
    make_keys(folder / "keys")
    return folder


@pytest.fixture
def pages(state: Path, monkeypatch: pytest.MonkeyPatch) -> WebPages:
    """Pages whose processes are not started."""
    monkeypatch.setattr(Process, "start", lambda _: None)
    found = WebPages(state, Ports(state / "ports.json"))
    found.spawn(URLS | {"PIN_WEB_PATIENCE": "PT9S"})
    return found


def told(pages: WebPages, name: str) -> dict[str, str]:
    return dict(pages.processes[name].program.env)


def test_portal_and_console_each_have_their_user_and_secret_and_nothing_of_the_system(
    pages: WebPages, state: Path
) -> None:
    portal, console = (WebSettings.load(told(pages, name)) for name in ("portal", "console"))
    assert (portal.user, console.user) == ("portal", "operator")
    assert portal.secret != console.secret
    assert portal.web_patience.total_seconds() == 9
    for name in ("portal", "console"):
        assert not any(text in {URLS["PIN_ISSUER_AMQP_URL"], "secret"} for text in told(pages, name).values())
        assert "PIN_LEDGER_DSN" not in told(pages, name)
    assert {path.suffix for path in portal.keys_dir.iterdir()} == {".pub"}
    assert {"issuer.pub", "revoker.pub"} < {path.name for path in portal.keys_dir.iterdir()}
    for path in state.glob("web-*.secret"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_and_addresses_stay_from_one_start_to_the_next(pages: WebPages, state: Path) -> None:
    again = WebPages(state, Ports(state / "ports.json"))
    again.spawn(URLS)
    assert again.addresses == pages.addresses
    assert {f"PIN_WEB_{name.upper()}_URL" for name in pages.processes} == pages.addresses.keys()
    secrets = [
        WebSettings.load({**told(one, "portal"), "PIN_WEB_PATIENCE": "PT3S"}).secret for one in (pages, again)
    ]
    assert secrets[0] == secrets[1]


@pytest.mark.parametrize("name", ["portal", "console"])
def test_no_page_is_told_a_setting_that_it_does_not_know(pages: WebPages, name: str) -> None:
    assert unknown(told(pages, name), (SETTINGS[name], PlaintextSettings)) == {}
    misspelt = told(pages, name) | {"PIN_WEB_PATIENC": "PT1S"}
    assert unknown(misspelt, (SETTINGS[name],)) == {"PIN_WEB_PATIENC": "PIN_WEB_PATIENCE"}


def test_the_mailbox_page_is_told_nothing_secret(pages: WebPages) -> None:
    assert told(pages, MAILBOX) == pages.addresses


def test_each_role_of_the_console_has_one_person_whose_password_opens(state: Path) -> None:
    people = tomllib.loads(make_people(state).read_text(encoding="utf-8"))["user"]
    assert [one["roles"] for one in people] == [["contact_centre"], ["branch"], ["supervisor"]]
    known = made_passwords(state)
    for one in people:
        assert argon2.PasswordHasher().verify(one["verifier"], known[one["id"]])
    assert stat.S_IMODE((state / "console-users.toml").stat().st_mode) == 0o600


def test_people_whom_somebody_added_stay(state: Path) -> None:
    path = make_people(state)
    path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    assert make_people(state).read_text(encoding="utf-8").endswith("# mine\n")


def test_links_in_mails_lead_to_the_portal_where_there_is_one(
    pages: WebPages, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIN_PORTAL_URL", raising=False)
    monkeypatch.setenv("PIN_WEB_PORTAL_URL", "http://127.0.0.1:1")  # left over from another start
    providers = FakeProviders(state, Ports(state / "ports.json"))
    without = environment.settings(state, providers, URLS, {})
    having = environment.settings(state, providers, URLS, {}, pages.addresses)
    chosen = environment.settings(state, providers, URLS, {"PIN_PORTAL_URL": "x"}, pages.addresses)
    assert without["PIN_PORTAL_URL"] == "https://pin.example.it"
    assert "PIN_WEB_PORTAL_URL" not in without
    assert having["PIN_PORTAL_URL"] == having["PIN_WEB_PORTAL_URL"] == pages.addresses["PIN_WEB_PORTAL_URL"]
    assert chosen["PIN_PORTAL_URL"] == "x"


def test_the_terminal_shows_the_addresses_and_who_logs_in(pages: WebPages, state: Path) -> None:
    environment.write(state / "env", pages.addresses)
    shown = "\n".join(directory(state))
    assert all(address in shown for address in pages.addresses.values())
    assert all(f"{person.id}, password {made_passwords(state)[person.id]}" in shown for person in PEOPLE)


def test_a_stack_without_pages_shows_none(state: Path) -> None:
    environment.write(state / "env", URLS)
    assert list(directory(state)) == []
