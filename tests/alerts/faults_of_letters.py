"""What may happen to letters: in the spool, at the print shop, and before either."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from services.notifier.shop.sftp_shop import TICKET
from shared.contract import topology
from shared.contract.delivery import BUNDLE, Content, Sms
from shared.crypto.keys import Keys
from shared.crypto.secret import Secret
from tests.adversity.hostile_sender import HostileSender
from tests.alerts.lines import WorkersLogs
from tests.alerts.scene import Scene
from tests.kit.print_shop import bundle, letter

POST = "notifier-post"
DAY = 86_400.0


async def what_is_no_letter_comes_as_one(scene: Scene) -> None:
    """An SMS comes to the channel of letters: a defect of whoever sent it there."""
    await scene.run(POST)
    logs = WorkersLogs(scene.stack)
    await _say(scene, Sms("+393331234567", Secret("x")))
    await scene.said(logs, "channel.fault")
    await scene.end(POST)


async def _say(scene: Scene, content: Content) -> None:
    made = bundle(Keys(scene.stack.state / "keys"), [(uuid4(), content)]).message
    properties = {"message_type": BUNDLE, "message_id": str(uuid4()), "user_id": "issuer", "delivery_mode": 2}
    async with HostileSender(scene.stack.rabbitmq.url("issuer")) as sender:
        body = made.only(made.deliveries)
        await sender.say(body, "post", exchange=topology.NOTIFICATIONS, **properties)


async def nobody_fetches(scene: Scene) -> None:
    """The print provider has not fetched letters for four days."""
    await _letters_are_old(scene, 4, "letters.waiting")


async def nobody_ever_fetched(scene: Scene) -> None:
    """It has not for so long that letters are deleted."""
    await _letters_are_old(scene, 91, "letters.forgotten")


async def _letters_are_old(scene: Scene, days: int, event: str) -> None:
    spool = scene.stack.state / "spool/post"
    await scene.run("issuer", POST)
    (body,) = scene.people()
    assert (await scene.harness.portal.ask("pin.request", body))["code"] == "accepted"
    await scene.comes(
        "select count(*) > 0 from delivery where channel = 'post' and status = 'sent'", "t", "a letter"
    )
    await scene.end(POST)
    then = time.time() - days * DAY
    for path in spool.iterdir():
        os.utime(path, (then, then))
    logs = WorkersLogs(scene.stack)
    await scene.run(POST)
    await scene.said(logs, event)
    for path in spool.iterdir():
        path.unlink()


# At the print shop, whose jobs are closed by the clock: letters of today are made those of an earlier day.

_WAITING = "select count(*) from letter where state = 'waiting'"
_HANDED = "select count(*) from letter where state = 'handed'"


@contextmanager
def _no_letters(scene: Scene) -> Iterator[None]:
    try:
        yield
    finally:
        scene.sql("truncate letter, print_job, print_day cascade")
        for path in scene.shop.files.rglob("*"):
            if path.is_file():
                path.unlink()


async def _letters_wait(scene: Scene, letters: int = 1) -> None:
    """Let letters wait for the shop, whose day is over."""
    await scene.run(POST, settings=scene.shop.settings())
    for number in range(letters):
        await _say(scene, letter(number))
    await scene.comes(_WAITING, str(letters), "letters to wait")
    await scene.end(POST)
    scene.sql("update letter set day = '2026-01-02'; delete from print_day")


async def _a_job_waits(scene: Scene) -> None:
    """Let a job be closed while the shop's server is down."""
    await _letters_wait(scene)
    scene.shop.stop()
    await _works(scene, "job.postponed")


async def _works(scene: Scene, event: str, **more: str) -> None:
    logs = WorkersLogs(scene.stack)
    await scene.run(POST, settings=scene.shop.settings() | more)
    await scene.said(logs, event)
    await scene.end(POST)


async def the_shop_has_another_job(scene: Scene) -> None:
    """Somebody else has put a job of our next id."""
    with _no_letters(scene):
        await _a_job_waits(scene)
        job = scene.sql("select id from print_job")
        (scene.shop.files / f"{job}{TICKET}").write_text('{"job": "another"}')
        scene.shop.start()
        await _works(scene, "job.stuck")


async def more_letters_wait_than_a_day_takes(scene: Scene) -> None:
    """At the cut-off there is one more than the cap."""
    with _no_letters(scene):
        await _letters_wait(scene, 2)
        await _works(scene, "letters.over_cap", PIN_POST_DAILY_CAP="1")


async def the_shop_is_not_reached(scene: Scene) -> None:
    """A job was closed yesterday, and the shop's server is down until today."""
    with _no_letters(scene):
        await _a_job_waits(scene)
        scene.sql(
            "set session_replication_role = replica;"  # a job's day refers to the day
            " update print_day set day = day - 1, closed_at = closed_at - interval '1 day';"
            " update print_job set day = day - 1"
        )
        await _works(scene, "job.late")
        scene.shop.start()
        await _works(scene, "job.handed")


async def the_shop_says_nothing(scene: Scene) -> None:
    """A job was handed over six days ago, and no answer came."""
    with _no_letters(scene):
        await _letters_wait(scene)
        await _works(scene, "job.handed")
        await scene.comes(_HANDED, "1", "a letter to be handed over")
        scene.sql("update print_job set handed_at = handed_at - interval '6 days'")
        await _works(scene, "letters.unanswered")


async def the_shop_answers_rubbish(scene: Scene) -> None:
    """A file of answers is none."""
    with _no_letters(scene):
        scene.shop.answer("answers.csv", "Gentile cliente,\n")
        await _works(scene, "shop.answer_unknown")


async def the_shop_answers_rubbish_among_others(scene: Scene) -> None:
    """One line of a file of answers cannot be read."""
    with _no_letters(scene):
        told = {
            "job": "20260102-LAZIO-1",
            "letter": uuid4(),
            "at": "2026-11-28T10:00:00+01:00",
        }
        lines = ("job;letter;state;at", "{job};{letter};posted;{at}", "{job};{letter};eaten by the dog;{at}")
        scene.shop.answer("answers.csv", "".join(f"{line}\n" for line in lines).format(**told))
        await _works(scene, "shop.answer_lines_unreadable")
