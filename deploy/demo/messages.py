"""Prints the messages of one citizen as received, and where all messages are stored."""

from deploy.demo.citizen import Citizen
from deploy.demo.runner import DemoRun
from deploy.demo.screen import Screen
from deploy.local.captured import PageCopy

_MAIL_LINES = 7


def show_messages(run: DemoRun, screen: Screen) -> None:
    """Print the SMS and the mail of one citizen's first half, if any citizen received both."""
    screen.heading("What one citizen got")
    shown = next((c for _, c in run.parts if c.issuance_channels == ["sms", "email", "post"]), None)
    pieces = _pieces(shown) if shown else {}
    if sms := pieces.get("sms"):
        screen.quote(f"SMS to {sms.to}", sms.text)
    if mail := pieces.get("email"):
        beginning = "\n".join(mail.text.strip().splitlines()[:_MAIL_LINES]).rstrip()
        screen.quote(f"Mail to {mail.to}: {mail.subject}", f"{beginning}\n\n[…]")
    if letter := pieces.get("post"):
        screen.say(f"  The second half came by post: page {letter.page} of {letter.path}")
    screen.say("  This is the citizen's view: no queue, no table and no log shows half a PIN in clear.")


def show_places(run: DemoRun, screen: Screen) -> None:
    """Print where all outgoing messages are stored."""
    session = run.session
    screen.heading("Where to look")
    for what, path in {
        "every SMS": session.captured.sms_file,
        "mails": session.captured.mail_folder,
        "letters": session.captured.letter_folder,
        "forms to sign": session.forms,
        "the workers' logs": session.state / "log",
    }.items():
        screen.say(f"  {what:<18} {path}")


def _pieces(citizen: Citizen) -> dict[str, PageCopy]:
    session = citizen.session
    sent = [event["data"] for event in session.events.of(citizen.asked) if event["type"] == "delivery.sent"]
    return {data["channel"]: session.captured.first_copy(data["delivery_id"]) for data in sent}
