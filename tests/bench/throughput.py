"""Issuances a second, from request to all three deliveries recorded, against the peers."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from typing import Any

from deploy.local.stack import Stack
from tests.bench import ours, report
from tests.bench.figures import Spread, verdict
from tests.bench.measure import Told
from tests.bench.ours import CHANNELS
from tests.bench.peer import Peer, Place, install
from tests.bench.requests import Applicants
from tests.bench.run_monitor import Run

_LAYOUT = "issuer=1,sms=1,email=1,post=1"
_TARGET = 12
"""Times the better peer, by deliveries."""
_MOST_CPU = 1.05
"""Milliseconds of CPU an issuance, of all processes."""


def layout(text: str) -> dict[str, int]:
    """Parse the number of processes per worker: `issuer=2,sms=1`; one for each not named."""
    given = {name: int(number) for name, _, number in (part.partition("=") for part in text.split(","))}
    if unknown := given.keys() - {"issuer", *CHANNELS}:
        raise ArgumentTypeError(f"no worker {', '.join(sorted(unknown))}")
    return {**ours.LAYOUT, **given}


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--runs", type=int, default=5, help="of each contender, in turn")
    parser.add_argument("--requests", type=int, default=20_000, help="in a run of ours")
    parser.add_argument("--peer-requests", type=int, default=3_000, help="in a run of a peer")
    parser.add_argument("--peers", nargs="*", default=["celery", "faststream"])
    parser.add_argument(
        "--peer-processes",
        type=int,
        nargs="+",
        default=[2, 4, 8],
        help="each peer keeps those that serve it best",
    )
    parser.add_argument("--layout", type=layout, default=layout(_LAYOUT), help=f"default: {_LAYOUT}")


async def measure(stack: Stack, options: Namespace) -> Told:
    """Run the project and each peer in turn, several times."""
    applicants = Applicants(seed=1)
    peers = await _peers(stack, options)
    runs = []
    for number in range(options.runs):
        stack.use_new_database(f"throughput_{number}")
        runs.append(_shown(await ours.run(stack, applicants, options.requests, options.layout)))
        stack.drop_database()
        runs += [_shown(await peer.run(options.peer_requests)) for peer in peers]
    told = summary(runs) | {"processes": {peer.name: peer.processes for peer in peers}}
    return Told("Issuances a second", lines(told), told | {"each": [run.as_json() for run in runs]})


async def _peers(stack: Stack, options: Namespace) -> list[Peer]:
    """Return the peers, each with as many processes as served it best in one run of each number."""
    if not options.peers:
        return []
    install()
    place = Place(stack)
    return [await _at_its_best(stack, place, name, options) for name in options.peers]


async def _at_its_best(stack: Stack, place: Place, name: str, options: Namespace) -> Peer:
    peers = [Peer(stack, place, name, number) for number in options.peer_processes]
    if len(peers) == 1:
        return peers[0]
    tries = [(await peer.run(options.peer_requests)).delivered for peer in peers]
    for peer, rate in zip(peers, tries, strict=True):
        report.progress(f"{name:<12}{rate:8.0f} deliveries/s by three, with {peer.processes} processes")
    return max(zip(tries, peers, strict=True), key=lambda one: one[0])[1]


def _shown(run: Run) -> Run:
    spent = sum(run.cpu_ms.values())
    report.progress(f"{run.name:<12}{run.rate:8.0f} issuances/s{spent:8.2f} ms CPU each")
    return run


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the medians and spreads of the runs by contender, and the ratios to the better peer.

    `ratio` counts from the first issuance recorded; `ratio_delivered` from the first delivery recorded,
    which excludes what a contender issued before its first delivery.
    """
    names = dict.fromkeys(run.name for run in runs)
    told: dict[str, Any] = {name: _medians([run for run in runs if run.name == name]) for name in names}
    peers = [told[name] for name in names if name != ours.NAME]
    if peers and ours.NAME in told:
        for ratio, rate in (("ratio", "rate"), ("ratio_delivered", "delivered")):
            better = max(peer[rate]["median"] for peer in peers)
            told[ratio] = told[ours.NAME][rate]["median"] / better
    return told


def _medians(runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "requests": runs[0].requests,
        "rate": Spread.of([run.rate for run in runs]).as_json(),
        "delivered": Spread.of([run.delivered for run in runs]).as_json(),
        "cpu_ms": {name: Spread.of([r.cpu_ms[name] for r in runs]).median for name in runs[0].cpu_ms},
        "peak_mb": {name: max(run.peak_mb[name] for run in runs) for name in runs[0].peak_mb},
    }


def lines(told: dict[str, Any]) -> list[str]:
    """Return the summary of runs as lines to print."""
    shown = []
    processes = told.get("processes", {})
    for name, one in ((n, o) for n, o in told.items() if isinstance(o, dict) and "rate" in o):
        all_of_it = sum(one["cpu_ms"].values())
        rate, delivered = Spread(**one["rate"]), Spread(**one["delivered"])
        of = f"{one['requests']}" + (f" by {processes[name]} processes" if name in processes else "")
        shown += [
            f"{name:<12} {rate.told('issuances/s')} of {of}, first issuance to last delivery",
            f"{'':<12} {delivered.told('issuances/s')}, first delivery to last delivery",
            f"{'':<12} CPU ms an issuance: {report.parts(one['cpu_ms'] | {'all': all_of_it}, 2)}",
            f"{'':<12} peak memory, MB: {report.parts(one['peak_mb'], 0)}",
        ]
    return shown + verdicts(told)


def verdicts(told: dict[str, Any]) -> list[str]:
    """Return what a summary says of the targets, a line each."""
    said = []
    if "ratio" in told:
        least = min(told["ratio"], told["ratio_delivered"])
        ratios = f"{told['ratio']:.2f}, from first deliveries {told['ratio_delivered']:.2f}"
        said.append(f"times the better peer: {ratios}; {verdict(least, _TARGET, at_least=True)}")
    if ours.NAME in told:
        spent = sum(told[ours.NAME]["cpu_ms"].values())
        said.append(f"all CPU {spent:.2f} ms an issuance; {verdict(spent, _MOST_CPU, at_least=False)}")
    return said
