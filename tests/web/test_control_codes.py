"""The control code of a revocation (figure 11, R19): nobody gets past it by guessing."""

import asyncio
from collections.abc import Mapping

from tests.web.kit.applications import Application
from tests.web.kit.papers import CARD, CITIZEN
from tests.web.kit.portal_ways import control_code
from tests.web.kit.visitor import Seen, Visitor, at

TYPED = {**CARD, "codice_fiscale": CITIZEN, "email": "mario.rossi@example.com"}
GUESSES = 1000


async def guess(visitor: Visitor, page: Seen, code: str, **more: str) -> Seen:
    """Send the form with a code."""
    values: Mapping[str, str] = {**TYPED, **more, "control_code": code}
    return await visitor.send(page, "/revoke", values)


async def test_a_thousand_wrong_codes_ask_for_nothing(portal: Application) -> None:
    """Each wrong answer brings another code, so that nobody comes nearer; the right one still works."""
    shown = set()
    async with at(portal) as visitor:
        page = await visitor.open("/revoke")
        for number in range(GUESSES):
            shown.add(page.form("/revoke").values["control_code_shown"])
            page = await guess(visitor, page, f"{number:07}")
            assert page.status == 422
        assert not portal.workers.asked
        assert len(shown) == GUESSES
        assert (await guess(visitor, page, control_code(portal, page))).status == 200
    assert [one.type for one in portal.workers.asked] == ["revoke.request"]


async def test_a_code_that_was_answered_wrongly_is_spent(portal: Application) -> None:
    async with at(portal) as visitor:
        page = await visitor.open("/revoke")
        right = control_code(portal, page)
        assert (await guess(visitor, page, "AAAAAAA")).status == 422
        assert (await guess(visitor, page, right)).status == 422
    assert not portal.workers.asked


async def test_many_guesses_at_once_are_one_guess(portal: Application) -> None:
    async with at(portal) as visitor:
        page = await visitor.open("/revoke")
        right = control_code(portal, page)
        guesses = [*(f"{number:07}" for number in range(30)), right]
        answers = await asyncio.gather(*(guess(visitor, page, code) for code in guesses))
        assert {answer.status for answer in answers} == {422}
    assert not portal.workers.asked


async def test_a_code_is_good_for_one_form_alone(portal: Application) -> None:
    """The same form again has no second effect, another one none at all."""
    async with at(portal) as visitor:
        page = await visitor.open("/revoke")
        right = control_code(portal, page)
        assert (await guess(visitor, page, right)).status == 200
        assert (await guess(visitor, page, right)).status == 200
        assert (await guess(visitor, page, right, email="other@example.com")).status == 422
    assert len(portal.workers.effects) == 1


async def test_a_code_that_another_session_was_shown_is_none(portal: Application) -> None:
    """Else one person would read the pictures for the programs of many."""
    async with at(portal) as reader, at(portal) as program:
        page = await reader.open("/revoke")
        right, shown = control_code(portal, page), page.form("/revoke").values["control_code_shown"]
        own = await program.open("/revoke")
        assert (await guess(program, own, right, control_code_shown=shown)).status == 422
        for kind in ("png", "wav"):
            assert (await program.open(f"/control-code/{shown}.{kind}")).status == 404
    assert not portal.workers.asked


async def test_the_code_stands_nowhere_but_in_its_picture_and_its_sound(portal: Application) -> None:
    async with at(portal) as visitor:
        page = await visitor.open("/revoke")
        assert control_code(portal, page) not in page.html
        shown = page.form("/revoke").values["control_code_shown"]
        picture = await visitor.open(f"/control-code/{shown}.png")
        sound = await visitor.open(f"/control-code/{shown}.wav")
        assert picture.answer.content.startswith(b"\x89PNG")
        assert sound.answer.content.startswith(b"RIFF")
        for answer in (picture.answer, sound.answer):
            assert answer.headers["cache-control"] == "no-store"
            assert control_code(portal, page) not in str(answer.headers)


async def test_a_new_code_can_be_asked_for_and_what_was_typed_stays(portal: Application) -> None:
    async with at(portal) as visitor:
        page = await visitor.open("/revoke")
        again = await visitor.send(page, "/revoke/control-code", TYPED)
        assert control_code(portal, again) != control_code(portal, page)
        typed = again.form("/revoke").values
        assert {name: typed[name] for name in TYPED} == TYPED
