# ruff: noqa: ASYNC240 - a test may read a file
import hashlib
import json
import resource
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader

from services.notifier.channels import open_channel
from services.notifier.channels.letter import Letter
from services.notifier.channels.post import PostChannel
from services.notifier.outcome import Postponed, Refused, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Hearing
from shared.contract.delivery import Mail, Post
from shared.crypto.secret import Secret

CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def letter(number: int) -> Outgoing:
    content = Post(
        address=("ANNA ROSSI", f"VIA ROMA {number}", "00184 ROMA RM"),
        name="Anna Rossi",
        language="de" if number % 2 else "it",
        half=Secret("ABCD2345"),
        expires_on=date(2026, 4, 30),
        written_on=date(2026, 3, 1),
    )
    return Outgoing(UUID(int=number), CREATED + timedelta(seconds=number), 1, content)


def unprintable(number: int) -> Outgoing:
    outgoing = letter(number)
    assert isinstance(outgoing.content, Post)
    language: Any = "fr"
    return replace(outgoing, content=replace(outgoing.content, language=language))


def post(folder: Path) -> PostChannel:
    channel = open_channel("post", NotifierSettings(post_spool=folder))
    assert isinstance(channel, PostChannel)
    return channel


async def test_a_batch_becomes_one_document_and_a_manifest_that_describes_it(tmp_path: Path) -> None:
    """R6."""
    batch = [letter(3), letter(1), letter(2)]
    [outcome, *others] = await post(tmp_path).send(batch, Hearing())

    stem = hashlib.sha256("".join(str(outgoing.id) for outgoing in batch).encode()).hexdigest()[:12]
    document, manifest = tmp_path / f"{stem}.pdf", tmp_path / f"{stem}.json"
    assert [outcome, *others] == [Sent(document.name)] * 3
    assert sorted(tmp_path.iterdir()) == [manifest, document]
    assert json.loads(manifest.read_bytes()) == {
        "document": document.name,
        "sha256": hashlib.sha256(document.read_bytes()).hexdigest(),
        "pages": 3,
        "created_at": "2026-03-01T12:00:03+00:00",
        "letters": [{"id": str(UUID(int=number)), "page": page} for page, number in ((1, 3), (2, 1), (3, 2))],
    }
    pages = [page.extract_text() for page in PdfReader(BytesIO(document.read_bytes())).pages]
    assert ["VIA ROMA 3" in pages[0], "VIA ROMA 1" in pages[1], "VIA ROMA 2" in pages[2]] == [True] * 3


async def test_a_repeat_leaves_the_same_bytes(tmp_path: Path) -> None:
    batch = [letter(1), letter(2)]
    await post(tmp_path).send(batch, Hearing())
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    await post(tmp_path).send([replace(outgoing, attempt=2) for outgoing in batch], Hearing())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


@pytest.mark.parametrize("places", [{0}, {4}, {9}, {0, 1, 5}, {0, 2, 4, 6, 8}])
async def test_a_letter_that_cannot_be_typeset_is_refused_alone(tmp_path: Path, places: set[int]) -> None:
    batch = [unprintable(n) if n in places else letter(n) for n in range(10)]
    outcomes = await post(tmp_path).send(batch, Hearing())
    assert {
        n for n, outcome in enumerate(outcomes) if outcome == Refused("post_typesetting", unasked=True)
    } == places
    assert sum(isinstance(outcome, Sent) for outcome in outcomes) == 10 - len(places)
    [manifest] = tmp_path.glob("*.json")
    assert json.loads(manifest.read_bytes())["pages"] == 10 - len(places)


async def test_letters_none_of_which_can_be_typeset_are_all_refused(tmp_path: Path) -> None:
    outcomes = await post(tmp_path).send([unprintable(1), unprintable(2)], Hearing())
    assert outcomes == [Refused("post_typesetting", unasked=True)] * 2
    assert not list(tmp_path.iterdir())


async def test_a_typesetter_that_cannot_do_even_a_specimen_costs_nobody_a_letter(tmp_path: Path) -> None:
    def broken(_: Sequence[Letter]) -> bytes:
        raise RuntimeError("the fonts are gone")

    outcomes = await PostChannel(tmp_path, broken).send([letter(1), letter(2)], Hearing())
    assert outcomes == [Unreachable("post_typesetting")] * 2


async def test_a_missing_folder_is_waited_out(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    assert await post(folder).send([letter(1)], Hearing()) == [Unreachable("post_enoent")]
    folder.mkdir()
    [outcome] = await post(folder).send([letter(1)], Hearing())
    assert isinstance(outcome, Sent)


async def test_what_cannot_be_written_whole_leaves_nothing_behind(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        assert await post(tmp_path).send([letter(1)], Hearing()) == [Unreachable("post_efbig")]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


async def test_nothing_to_send_leaves_nothing(tmp_path: Path) -> None:
    assert await post(tmp_path).send([], Hearing()) == []
    assert not list(tmp_path.iterdir())


async def test_what_is_no_letter_keeps_no_letter_back(tmp_path: Path) -> None:
    stray = replace(letter(2), content=Mail("anna@example.it", "x", Secret("x"), "it"))
    [first, outcome, last] = await post(tmp_path).send([letter(1), stray, letter(3)], Hearing())
    assert outcome == Postponed("channel_fault", unasked=True)
    assert isinstance(first, Sent)
    assert first == last
