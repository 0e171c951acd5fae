"""`python -m deploy.pinctl`: the operator's command line."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import orjson

from deploy.errors import PinctlError
from deploy.pinctl.answer import MISUSE, UNREACHABLE, Answer
from deploy.pinctl.commands import parser, run
from deploy.pinctl.settings import BrokerSettings, LedgerSettings, OwnerSettings
from shared.errors import BrokerLostError, KeyFileError, LedgerLostError, SettingsError
from shared.worker.memory import keep_memory_private


def main(argv: Sequence[str]) -> int:
    """Run the command line; return the exit status."""
    keep_memory_private()
    words = parser().parse_args(argv)
    _warn()
    try:
        answer = asyncio.run(run(words, os.environ))
    except PinctlError as trouble:
        return _complain(str(trouble), trouble.status)
    except (SettingsError, KeyFileError) as fault:
        return _complain(str(fault), MISUSE)
    except BrokerLostError as loss:
        return _complain(
            f"the broker cannot be reached ({loss}): is it up, is PIN_AMQP_URL right?", UNREACHABLE
        )
    except LedgerLostError as loss:
        return _complain(
            f"the ledger cannot be reached ({loss}): is it up and migrated, is PIN_LEDGER_DSN right?",
            UNREACHABLE,
        )
    _write(answer, machine=getattr(words, "json", False))
    return answer.status


def _warn() -> None:
    for group in (BrokerSettings, LedgerSettings, OwnerSettings):
        with suppress(SettingsError):  # said by the commands that need the group
            for one in group.load(os.environ).plaintext():
                sys.stderr.write(f"pinctl: {one.setting}: {one.because} to {one.host} shows {one.shows}\n")


def _write(answer: Answer, *, machine: bool) -> None:
    if machine and answer.data:
        options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
        sys.stdout.write(orjson.dumps(answer.data, default=str, option=options).decode() + "\n")
    elif answer.text:
        sys.stdout.write(answer.text + "\n")


def _complain(text: str, status: int) -> int:
    sys.stderr.write(f"pinctl: {text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
