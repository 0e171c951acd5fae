"""Restores a second: request, mail with a link, confirmation, two halves."""

from argparse import ArgumentParser, Namespace

from deploy.local.stack import Stack
from tests.bench import links
from tests.bench.bulk_load import Citizen
from tests.bench.measure import Told


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--restore-runs", type=int, default=3)
    parser.add_argument("--restores", type=int, default=2_000, help="citizens in a run")


async def measure(stack: Stack, options: Namespace) -> Told:
    """Take citizens through restoring, to the mobile and the PEC."""
    flow = links.Flow("restore", _contacts, asked=1, confirmed=2)
    return await links.measure(stack, flow, options.restore_runs, options.restores)


def _contacts(citizen: Citizen) -> dict[str, object]:
    return {"contacts": {"mobile": citizen.contacts.mobile, "pec": citizen.contacts.pec}}
