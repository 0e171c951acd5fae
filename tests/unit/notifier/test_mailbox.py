"""Mailboxes: what can be set about them, and what is done around the understanding of one mail."""

import asyncio
import time
from threading import Event

import pytest

from deploy.local.processes import CHECKOUT
from services.notifier.mailbox import process
from services.notifier.mailbox.evidence import Understood
from services.notifier.mailbox.process import MailboxProcess
from services.notifier.mailbox.reader import Aside
from services.notifier.mailbox.settings import MailboxSettings
from services.notifier.mailbox.triage import Triage
from shared.broker.session import Session
from shared.config import logs
from shared.errors import SettingsError
from shared.worker.settings import ProcessSettings

PEC = {"PIN_PEC_IMAP_HOST": "pec.example.it", "PIN_PEC_IMAP_USER": "pin@pec.example.it"}
BOUNCE = {"PIN_BOUNCE_IMAP_HOST": "mail.example.it", "PIN_BOUNCE_IMAP_USER": "pin-bounces"}
SAME = {name: PEC[name.replace("BOUNCE", "PEC")] for name in BOUNCE}
HALF = Understood("half")


def triage(mail: bytes, limit: float = 10) -> Understood:
    return Triage(lambda _: HALF, 100_000, limit, logs.get()).understand(mail)


def test_a_mailbox_that_is_named_is_read_and_no_other() -> None:
    assert MailboxSettings.load({}).boxes() == ()
    assert [box.name for box in MailboxSettings.load(PEC).boxes()] == ["pec"]
    assert [box.name for box in MailboxSettings.load(PEC | BOUNCE).boxes()] == ["pec", "bounce"]


def test_a_mailbox_is_read_with_tls_or_on_this_machine() -> None:
    """Else whoever is on the way reads the password and every receipt, and answers in the server's place."""
    in_the_clear = {"PIN_BOUNCE_IMAP_TLS": "none"}
    with pytest.raises(
        SettingsError, match=r"PIN_BOUNCE_IMAP_TLS: none to mail\.example\.it shows the password"
    ):
        MailboxSettings.load(BOUNCE | in_the_clear)
    MailboxSettings.load(BOUNCE | in_the_clear | {"PIN_BOUNCE_IMAP_HOST": "127.0.0.1"})
    MailboxSettings.load(in_the_clear)
    MailboxSettings.load(BOUNCE | {"PIN_BOUNCE_IMAP_TLS": "starttls"})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"PIN_PEC_IMAP_UNKNOWN": "inbox"}, "have to be three folders"),
        ({"PIN_BOUNCE_IMAP_PROCESSED": "PIN-unknown"}, "have to be three folders"),
        (PEC | SAME, "two would read the same folder"),
        (PEC | SAME | {"PIN_BOUNCE_IMAP_INBOX": "Inbox"}, "two would read the same folder"),
        ({"PIN_PEC_IMAP_CA": "/nowhere"}, "PIN_PEC_IMAP_CA"),
        ({"PIN_MAILBOX_IDLE": "PT29M"}, "PIN_MAILBOX_IDLE"),
        ({"PIN_MAILBOX_STEP_TIMEOUT": "PT0S"}, "PIN_MAILBOX_STEP_TIMEOUT"),
        ({"PIN_MAILBOX_LARGEST": "1000000000"}, "PIN_MAILBOX_LARGEST"),
    ],
)
def test_settings_by_which_mails_would_go_in_circles_or_waits_have_no_end_are_refused(
    wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        MailboxSettings.load(wrong)


def test_one_account_may_have_both_in_folders_of_their_own() -> None:
    folders = {"PIN_BOUNCE_IMAP_INBOX": "bounces"}
    assert len(MailboxSettings.load(PEC | SAME | folders).boxes()) == 2


def test_no_password_is_shown() -> None:
    shown = MailboxSettings.load(PEC | {"PIN_PEC_IMAP_PASSWORD": "hunter2"}).shown()
    assert "hunter2" not in str(shown)


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (b"Subject: a mail\r\n\r\nof somebody\r\n-- \r\nhis name\r\n", "half"),
        (b"Subject: large\r\n\r\n" + b"x" * 100_000, "too_large"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 600, "too_many_parts"),
        (
            b"".join(
                b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(30)
            ),
            "too_many_parts",
        ),
        # Bare carriage returns end lines, too.
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\rx\r" * 600, "too_many_parts"),
        (b"Content-Type: text/plain; " + b"a=b;" * 5000 + b"\r\n\r\n", "too_long_headers"),
        (b"To: x\r\ncontent-disposition: a" + b";\r\n a=b" * 2500 + b"\r\n\r\n", "too_long_headers"),
        (b"Content-Type: text/plain\r\n\r\n" + b" indented\r\n" * 2000, "half"),
        (b"", "half"),
        (b"\xff\x00" * 100, "half"),
    ],
)
def test_a_mail_that_was_made_to_exhaust_its_reader_is_not_parsed(mail: bytes, reason: str) -> None:
    assert triage(mail).reason == reason


def test_whatever_a_mail_makes_its_classifier_do_it_is_filed() -> None:
    log = logs.get()
    released = Event()

    def raises(_: bytes) -> Understood:
        raise RecursionError

    def hangs(_: bytes) -> Understood:
        released.wait(30)
        return HALF

    assert Triage(raises, 1000, 10, log).understand(b"") == Understood("classifier_failed", unknown=True)
    assert Triage(hangs, 1000, 0.1, log).understand(b"") == Understood("too_slow", unknown=True)
    released.set()


def test_a_mail_at_which_connections_end_is_asked_for_alone_and_then_left_aside() -> None:
    aside = Aside()
    assert aside.lost([7, 8, 9]) is None
    assert aside.alone(7)
    aside.settled([8, 9])
    assert not aside.alone(8)
    assert aside.lost([7]) is None
    assert aside.lost([7]) == 7
    aside.put(7)
    assert 7 in aside
    assert 8 not in aside
    assert not aside.alone(7)


def test_a_mail_is_left_aside_for_some_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    aside = Aside()
    aside.put(7)
    later = time.monotonic() + 601
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert 7 not in aside


def test_only_the_reader_of_mailboxes_speaks_imap() -> None:
    """And no channel loads what it needs."""
    modules = [path for path in (CHECKOUT / "services").rglob("*.py") if "imapclient" in path.read_text()]
    assert [path.name for path in modules] == ["imap.py"]


async def test_stopping_waits_for_a_reader_that_is_stuck_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that takes longer than its grace is killed, whatever its other readers are at."""
    cut: list[str] = []

    class Stuck:
        name, connected = "pec", True

        def __init__(self, *_: object) -> None:
            pass

        def start(self) -> None:
            """Start."""

        def ended(self, limit: float) -> bool:
            """Wait in vain."""
            time.sleep(limit)
            return False

        def cut(self) -> None:
            """Note it."""
            cut.append(self.name)

    class Broker:
        def __init__(self) -> None:
            self.lost = asyncio.Event()

        async def close(self) -> None:
            """Close."""

    async def opened(*_: object, **__: object) -> Broker:
        return Broker()

    monkeypatch.setattr(process, "Reader", Stuck)
    monkeypatch.setattr(Session, "open", opened)
    monkeypatch.setattr(process, "_STOP_LIMIT", 0.2)
    monkeypatch.setattr(process, "_CUT_LIMIT", 0.1)
    settings = ProcessSettings.load({"PIN_AMQP_URL": "amqp://localhost"})
    running = MailboxProcess(
        "a test", settings, MailboxSettings.load(PEC), {"pec": lambda _: HALF}, logs.get()
    )
    ending = asyncio.create_task(running.run())
    await asyncio.sleep(0.05)
    assert running.missing() == []
    running.stop()
    await asyncio.wait_for(ending, 5)
    assert cut == ["pec"]
