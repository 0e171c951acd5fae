"""The page of a local stack's messages shows what citizens got, and to nobody but this machine."""

import re
import subprocess
import sys
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from deploy.local.processes import CHECKOUT
from deploy.web.mailbox import application
from deploy.web.mailbox.messages import messages
from services.notifier.channels.letter import Letter, typeset
from services.notifier.channels.spool import hand_over

LINK = "http://127.0.0.1:20000/restore/confirm?token=00ff17"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / ".local"
    for part in ("captured/mail", "spool/post"):
        (folder / part).mkdir(parents=True)
    return folder


def sms(state: Path, to: str, text: str, second: int = 0) -> None:
    at = datetime(2026, 11, 22, 12, 0, second, tzinfo=UTC)
    with (state / "captured/sms.jsonl").open("ab") as file:
        line = {"to": to, "text": text, "client_ref": str(uuid4()), "at": at}
        file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def mail(state: Path, to: str, text: str, html: str = "") -> None:
    made = EmailMessage()
    made["Message-ID"], made["To"], made["Subject"] = f"<{uuid4().hex}@pin>", to, "Conferma"
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    (state / f"captured/mail/email-1-{uuid4().int}.eml").write_bytes(made.as_bytes())


def letter(state: Path) -> None:
    id_, home = str(uuid4()), ("Anna Muster", "Laubengasse 3/A", "39100 BOLZANO BZ")
    until, noon = date(2027, 1, 21), datetime(2026, 11, 22, 12, tzinfo=UTC)
    one = Letter(id_, "de", home, "Anna Muster", "AB12CD34", until, noon.date())
    hand_over(state / "spool/post", typeset([one]), [id_], noon)


def client(app: Starlette, host: str = "127.0.0.1") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}:8000")


async def test_the_newest_comes_first_and_each_recipient_can_be_looked_at_alone(state: Path) -> None:
    for second, to in enumerate(("+393331", "+393332", "+393331")):
        sms(state, to, f"message {second}", second)
    async with client(application(state)) as browser:
        everything, one = (await browser.get("/")).text, (await browser.get("/?to=393332")).text
    assert re.findall(r"message \d", everything) == ["message 2", "message 1", "message 0"]
    assert re.findall(r"message \d", one) == ["message 1"]


async def test_links_of_a_text_open_and_nothing_else_of_it_is_more_than_text(state: Path) -> None:
    mail(state, "anna@example.it", f"Apra {LINK}, entro domani. {HOSTILE} javascript:alert(1)\n")
    async with client(application(state)) as browser:
        page = (await browser.get(f"/messages/{messages(state)[0].key}")).text
    assert f'<a href="{LINK}" target="_blank" rel="noopener noreferrer">{LINK}</a>, entro domani.' in page
    assert HOSTILE not in page
    assert 'href="javascript' not in page


async def test_a_mail_in_html_stays_in_a_frame_without_scripts_or_origin(state: Path) -> None:
    mail(
        state, "anna@example.it", "text", f"<html><head><title>x</title></head><body>{HOSTILE}</body></html>"
    )
    async with client(application(state)) as browser:
        page = await browser.get(f"/messages/{messages(state)[0].key}")
        framed = await browser.get(f"/messages/{messages(state)[0].key}/mail.html")
    assert HOSTILE not in page.text
    assert re.search(r'<iframe [^>]*sandbox="allow-popups allow-popups-to-escape-sandbox"', page.text)
    assert HOSTILE in framed.text
    assert '<head><base target="_blank">' in framed.text  # a link opens outside of the frame
    policy = framed.headers["content-security-policy"]
    assert policy.startswith(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"
    )
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


async def test_a_letter_is_shown_as_a_picture_and_as_a_sheet_of_its_own(state: Path) -> None:
    letter(state)
    (only,) = messages(state, "muster")
    assert (only.kind, only.to) == ("letter", "Anna Muster")
    async with client(application(state)) as browser:
        picture = await browser.get(f"/messages/{only.key}/letter.png")
        sheet = await browser.get(f"/messages/{only.key}/letter.pdf")
        no_mail = await browser.get(f"/messages/{only.key}/mail.html")
    assert picture.content.startswith(b"\x89PNG")
    assert sheet.content.startswith(b"%PDF")
    assert no_mail.status_code == 404


@pytest.mark.parametrize("host", ["pin.example.it", "localhost.evil.example", "192.0.2.1"])
async def test_it_answers_to_no_other_name_than_this_machines(state: Path, host: str) -> None:
    """A site that has its own name lead to this machine (DNS rebinding) reads nothing."""
    sms(state, "+393331", "PIN: AB12CD34")
    async with client(application(state), host) as browser:
        answer = await browser.get("/")
    assert answer.status_code == 400
    assert "AB12CD34" not in answer.text


@pytest.mark.parametrize("language", ["it", "de"])
async def test_every_page_is_there_in_both_languages(state: Path, language: str) -> None:
    sms(state, "+393331", "one")
    mail(state, "anna@example.it", "two", "<p>two</p>")
    letter(state)
    async with client(application(state)) as browser:
        for path in ("/", "/?to=nobody", *(f"/messages/{one.key}" for one in messages(state))):
            answer = await browser.get(path, headers={"accept-language": language})
            assert answer.status_code == 200
            assert f'<html lang="{language}">' in answer.text
        assert (await browser.get("/messages/none")).status_code == 404


@pytest.mark.parametrize("folder", [".", ".local", "state"])
def test_it_starts_nowhere_but_in_the_state_of_a_local_stack(tmp_path: Path, folder: str) -> None:
    (tmp_path / "state/captured").mkdir(parents=True)
    argv = [sys.executable, "-m", "deploy.web.mailbox", str(tmp_path / folder), "1"]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no local stack" in done.stderr


def test_no_deployment_has_it() -> None:
    """Neither do images let it in, nor does any manifest start it, nor the command of what is deployed."""
    kept_out = set((CHECKOUT / ".dockerignore").read_text(encoding="utf-8").split())
    ours = {
        str(path.relative_to(CHECKOUT))
        for pattern in ("mailbox", "*/mailbox", "*/mailbox.*")
        for path in (CHECKOUT / "deploy/web").glob(pattern)
    }
    assert ours >= {"deploy/web/mailbox", "deploy/web/templates/mailbox", "deploy/web/static/mailbox.css"}
    assert ours - kept_out == set()
    manifests = [*CHECKOUT.glob("deploy/kubernetes*/**/*.yaml"), CHECKOUT / "deploy/compose.yaml"]
    assert [path for path in manifests if "web.mailbox" in path.read_text(encoding="utf-8")] == []
    argv = [sys.executable, "-m", "deploy.web", "mailbox"]
    assert subprocess.run(argv, cwd=CHECKOUT, capture_output=True, check=False).returncode == 2
