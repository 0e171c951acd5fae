"""Finds the canaries among what providers received, by the addresses that the settings name."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

MOBILE, EMAIL, PEC = "PIN_CANARY_MOBILE", "PIN_CANARY_EMAIL", "PIN_CANARY_PEC"
_CHANNELS = {MOBILE: "sms", EMAIL: "email", PEC: "pec"}
_ENVID = re.compile(r"\bENVID=([0-9a-f]{32})")


@dataclass(frozen=True)
class Canary:
    """The latest canary of a channel.

    Attributes:
        to: where it went.
        id: its delivery; None while no provider has one.
        mail: its file, if it is one.
    """

    channel: str
    to: str
    id: UUID | None = None
    mail: Path | None = None


def latest(state: Path, env: Mapping[str, str]) -> list[Canary]:
    """Return the latest canary of each channel that has one by the settings.

    Args:
        state: the stack's `.local`.
        env: its settings.
    """
    wanted = {channel: env[name] for name, channel in _CHANNELS.items() if env.get(name)}
    found = {channel: Canary(channel, to) for channel, to in wanted.items()}
    for line in _lines(state / "captured/sms.jsonl") if "sms" in wanted else ():
        if line["to"] == wanted["sms"]:
            found["sms"] = Canary("sms", line["to"], UUID(line["client_ref"]))
    folder = state / "captured/mail"
    for line in _lines(folder / "envelopes.jsonl"):
        channel = line["mail"].partition("-")[0]
        named = _ENVID.search(line["from"])
        if channel in wanted and named and f"<{wanted[channel]}>" in line["to"]:
            found[channel] = Canary(channel, wanted[channel], UUID(named[1]), folder / line["mail"])
    return list(found.values())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        # The last line may be incomplete.
        yield from map(json.loads, path.read_bytes().rpartition(b"\n")[0].splitlines())
