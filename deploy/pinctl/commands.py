"""The command line of `pinctl`: its commands and the functions they call."""

import argparse
import asyncio
import getpass
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.errors import PinctlError
from deploy.pinctl import audit, dead, jobs, key_use, keys, months, rotation, signing, trace, witnesses
from deploy.pinctl.answer import STATUSES, Answer
from deploy.pinctl.erase import Erasure, erase
from deploy.pinctl.expiry import expire
from deploy.pinctl.release import Version
from deploy.pinctl.settings import (
    ArchiveSettings,
    BrokerSettings,
    CheckpointSettings,
    DeadSettings,
    KeySettings,
    LedgerSettings,
    OperatorSettings,
    OwnerSettings,
)
from deploy.pinctl.status import status
from shared.crypto.keys import CHECKPOINT, SIGNERS, Keys
from shared.crypto.sealing import Pseudonyms
from shared.domain.policy import PinPolicy
from shared.errors import KeyFileError
from shared.italy.codice_fiscale import canonical

_SUBJECT_BYTES = 16
_EPILOG = f"""\
settings: PIN_AMQP_URL and PIN_LEDGER_DSN (the user and role `pinctl`) and PIN_KEYS_DIR

{STATUSES}"""


async def run(words: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """Run the command.

    Raises:
        PinctlError: the command failed.
        SettingsError: a setting is missing or invalid.
        KeyFileError: a key file is missing or invalid.
        BrokerLostError, LedgerLostError: the server is unavailable.
    """
    match words.command:
        case "status" | "jobs":
            return await _look(words, environ)
        case "trace":
            return await _trace(words, environ)
        case "dead" | "erase":
            return await _on_broker(words, environ)
        case "ledger":
            return await _ledger(words, environ)
        case "keys":
            return await _keys(words, environ)
        case _:
            return await _backfill(words.file, environ)


async def _look(words: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    ledger = LedgerSettings.load(environ)
    if words.command == "jobs":
        return await jobs.listing(ledger, words.limit)
    return await status(BrokerSettings.load(environ), ledger)


async def _trace(words: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    if (words.id is not None) + (words.subject is not None) + words.codice_fiscale != 1:
        raise PinctlError("trace takes one of: an id, --subject, --codice-fiscale")
    ledger = LedgerSettings.load(environ)
    if words.id is not None:
        return await trace.of_id(ledger, words.id, life=words.life)
    if words.subject is not None:
        return await trace.of_subject(ledger, words.subject)
    pseudonyms = Pseudonyms(Keys(KeySettings.load(environ).keys_dir).symmetric("subject"))
    return await trace.of_subject(ledger, pseudonyms.of(await asyncio.to_thread(_ask)))


def _ask() -> str:
    """Read a codice fiscale from standard input: process lists would show it on the command line."""
    typed = getpass.getpass("Codice fiscale: ") if sys.stdin.isatty() else sys.stdin.readline()
    if code := canonical(typed.strip()):
        return code
    raise PinctlError("this is no codice fiscale")


async def _on_broker(words: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    broker = BrokerSettings.load(environ)
    if words.command == "erase":
        return await _erase(words, broker)
    if words.action == "expire":
        return await expire(broker, _period(words.older_than, environ))
    return await _dead(words, broker, environ)


def _period(older_than: str | None, environ: Mapping[str, str]) -> timedelta:
    given = {} if older_than is None else {"PIN_DEAD_RETENTION": older_than}
    return DeadSettings.load({**environ, **given}).dead_retention


async def _dead(words: argparse.Namespace, broker: BrokerSettings, environ: Mapping[str, str]) -> Answer:
    match words.action:
        case "list":
            return await dead.listing(broker, words.limit)
        case "show":
            return await dead.show(broker, words.message, body=words.body)
        case "drop" if not words.yes:
            return await dead.would_drop(broker, words.messages, everything=words.all)
        case action:
            act = dead.replay if action == "replay" else dead.drop
            by = words.by or OperatorSettings.load(environ).operator_name
            ledger = LedgerSettings.load(environ)
            return await act(broker, ledger, words.messages, everything=words.all, by=by)


async def _erase(words: argparse.Namespace, broker: BrokerSettings) -> Answer:
    codice_fiscale = await asyncio.to_thread(_ask)
    erasure = Erasure(codice_fiscale, words.operator, words.office, words.reason, words.user)
    return await erase(broker, erasure)


async def _ledger(words: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    if words.action.endswith("-month"):
        return await _month_of(words, environ)
    ledger, settings = LedgerSettings.load(environ), CheckpointSettings.load(environ)
    match words.action:
        case "checkpoint":
            return await signing.checkpoint(ledger, KeySettings.load(environ), settings)
        case "cosign":
            return await signing.cosign(ledger, KeySettings.load(environ), settings)
    if words.subject is not None and words.checkpoints is not None:
        raise PinctlError("a checkpoint covers all citizens: verify it without --subject")
    if words.subject is not None or not (words.checkpoints or settings.compares):
        return await audit.verify(ledger, words.subject)
    keyring = Keys(KeySettings.load(environ).keys_dir)
    if words.checkpoints:
        return await audit.verify(ledger, None, witnesses.of_file(words.checkpoints, keyring))
    return await audit.verify(ledger, None, witnesses.of_settings(settings, keyring, datetime.now(UTC)))


async def _month_of(words: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    keyring, settings = KeySettings.load(environ), CheckpointSettings.load(environ)
    if words.action == "verify-month":
        return months.verify_file(words.file, keyring, settings)
    places = months.Places(LedgerSettings.load(environ), keyring, settings, ArchiveSettings.load(environ))
    if words.action == "seal-month":
        return await months.seal(places, words.month)
    return await months.retire(places, OwnerSettings.load(environ), words.month, words.by)


async def _keys(words: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    folder = words.folder or KeySettings.load(environ).keys_dir
    match words.action:
        case "init":
            return keys.init_cosigner(folder) if words.cosigner else keys.init(folder)
        case "sender":
            return keys.sender(folder, words.user)
        case "show":
            return keys.show(folder)
        case "rotate" | "promote" as step:
            return (rotation.rotate if step == "rotate" else rotation.promote)(folder, words.name)
    servers = BrokerSettings.load(environ), LedgerSettings.load(environ)
    link_validity = PinPolicy.load(environ).link_validity
    if words.action == "status":
        return await key_use.status(folder, *servers, link_validity)
    ours = key_use.present(folder)
    if words.name not in ours:
        raise KeyFileError(f"{rotation.holder(words.name)}: not in {folder}")
    use = await key_use.use_of(ours, *servers, link_validity)
    needed = key_use.needs(words.name, ours[words.name], use)
    return rotation.retire(folder, words.name, needed, force=words.force)


async def _backfill(file: Path, environ: Mapping[str, str]) -> Answer:
    """Run the dispositivo service's backfill (R9), which prints its own report."""
    from services.dispositivo import backfill  # noqa: PLC0415 - no other command needs the service

    return Answer("", status=await backfill.run(file, environ))


def _subject(text: str) -> bytes:
    subject = bytes.fromhex(text)
    if len(subject) != _SUBJECT_BYTES:
        raise ValueError
    return subject


def _month(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise ValueError
    return text


def _user(text: str) -> str:
    """Return the name of a broker user, which becomes part of a file's name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", text) or text in (*SIGNERS, CHECKPOINT):
        raise ValueError
    return text


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    shape = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(prog="pinctl", description=__doc__, epilog=_EPILOG, formatter_class=shape)
    top.description = "The operator's command line: is it running, what happened, what is stuck."
    top.add_argument("--version", action=Version, help="which release this is, and of which commit")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("status", parents=[shared], help="queues, outbox, accounts, deliveries")
    listing = commands.add_parser("jobs", parents=[shared], help="the print shop's jobs, what waits for one")
    listing.add_argument("--limit", type=int, default=40, help="how many jobs (40)")
    _add_trace(commands.add_parser("trace", parents=[shared], help="what happened, in time order"))
    _add_dead(commands.add_parser("dead", help="what no worker could read or handle"), shared)
    _add_erase(commands.add_parser("erase", parents=[shared], help="erase what is kept about a citizen"))
    _add_ledger(commands.add_parser("ledger", help="verify the chains, sign a checkpoint"), shared)
    _add_keys(commands.add_parser("keys", help="make, show and change keys"), shared)
    backfill = commands.add_parser("backfill", help="make recognised citizens dispositivo (R9)")
    backfill.add_argument("file", type=Path, help="CSV of codici fiscali with kind and date of recognition")
    return top


def _add_trace(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", nargs="?", help="a correlation id, message id or delivery id")
    command.add_argument("--life", action="store_true", help="the whole life of the citizen behind the id")
    command.add_argument("--subject", type=_subject, metavar="HEX", help="the life behind a pseudonym")
    command.add_argument(
        "--codice-fiscale", action="store_true", help="the life of a citizen; asked for on standard input"
    )


def _add_dead(command: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[shared], help="the oldest messages, without bodies")
    listing.add_argument("--limit", type=int, default=100, help="how many (100)")
    show = actions.add_parser("show", parents=[shared], help="all that is known of one message")
    show.add_argument("message", help="position or message id")
    show.add_argument("--body", action="store_true", help="the body too: it may hold personal data")
    expiring = actions.add_parser(
        "expire", parents=[shared], help="away what is old, one line of the log each"
    )
    expiring.add_argument("--older-than", metavar="P90D", help="default: PIN_DEAD_RETENTION")
    replay = actions.add_parser("replay", parents=[shared], help="back to the lane it came from")
    drop = actions.add_parser("drop", parents=[shared], help="away for ever")
    for action in (replay, drop):
        action.add_argument("messages", nargs="*", metavar="MESSAGE", help="position or message id")
        action.add_argument("--all", action="store_true", help="every message that is there now")
        action.add_argument(
            "--by", default="", metavar="PERSON", help="who does it, for the ledger (PIN_OPERATOR_NAME)"
        )
    drop.add_argument("--yes", action="store_true", help="without it, only say what would go")


def _add_erase(command: argparse.ArgumentParser) -> None:
    command.description = "The codice fiscale is asked for on standard input. A live PIN is revoked first."
    command.add_argument("--operator", required=True, metavar="ID", help="who erases; it is in the ledger")
    command.add_argument("--office", default="pinctl", help="the operator's office (pinctl)")
    command.add_argument("--reason", required=True, help="why, without names; it is kept nowhere")
    command.add_argument(
        "--user",
        default="operator",
        help="the broker user of the contact centre that it is sent as (operator)",
    )


def _add_ledger(command: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", parents=[shared], help="recompute every chain")
    verify.add_argument("--subject", type=_subject, metavar="HEX", help="one citizen's alone")
    verify.add_argument(
        "--checkpoints",
        type=Path,
        metavar="FILE",
        help="a log with checkpoints to compare, all of them; - is stdin; default: PIN_CHECKPOINT_LOG",
    )
    actions.add_parser("checkpoint", parents=[shared], help="sign what the ledger is; one line of the log")
    actions.add_parser(
        "cosign", parents=[shared], help="witness the newest checkpoint with a key of one's own"
    )

    sealing = actions.add_parser("seal-month", parents=[shared], help="seal the months that are over")
    sealing.add_argument("month", nargs="?", type=_month, metavar="YYYY-MM", help="up to this one alone")
    file = actions.add_parser("verify-month", parents=[shared], help="verify the file of a month, by itself")
    file.add_argument("file", type=Path, metavar="FILE")
    retiring = actions.add_parser(
        "retire-month", parents=[shared], help="let a sealed month leave the ledger for its file"
    )
    retiring.add_argument("month", type=_month, metavar="YYYY-MM")
    retiring.add_argument(
        "--by", action="append", default=[], metavar="PERSON", help="who does it: two, for the ledger"
    )


def _add_keys(command: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, what in (
        ("init", "make the keys that are missing"),
        ("show", "names and fingerprints"),
        ("status", "the generations of each key, and what still needs an earlier one"),
        ("rotate", "make the next key, to be read with"),
        ("promote", "write with the next key"),
        ("retire", "take out the earlier key that nothing needs"),
        ("sender", "make the key that a portal, or another user outside, signs commands with"),
    ):
        action = actions.add_parser(name, parents=[shared], help=what)
        if name in {"rotate", "promote", "retire"}:
            action.add_argument(
                "name", choices=rotation.NAMES, metavar="NAME", help=", ".join(rotation.NAMES)
            )
        if name == "sender":
            action.add_argument("user", type=_user, metavar="USER", help="its user on the broker")
        action.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="default: PIN_KEYS_DIR")
        if name == "init":
            action.add_argument("--cosigner", action="store_true", help="only that of a second witness")
        if name == "retire":
            action.add_argument("--force", action="store_true", help="though it is needed: see `keys status`")
