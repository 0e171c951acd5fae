"""Revocations a second: request, mail with a link and warnings, confirmation, notices."""

from argparse import ArgumentParser, Namespace

from deploy.local.stack import Stack
from tests.bench import links
from tests.bench.bulk_load import CARD, Citizen
from tests.bench.measure import Told


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--revoke-runs", type=int, default=3)
    parser.add_argument("--revokes", type=int, default=2_000, help="citizens in a run")


async def measure(stack: Stack, options: Namespace) -> Told:
    """Take citizens through revoking, with the link to their registered email."""
    flow = links.Flow("revoke", _card, asked=4, confirmed=3)
    return await links.measure(stack, flow, options.revoke_runs, options.revokes)


def _card(citizen: Citizen) -> dict[str, object]:
    card = {"number": CARD.number, "expires_on": CARD.expires_on.isoformat()}
    return {"health_card": card, "email": citizen.contacts.email}
