"""The figures of runs of the benchmark as Markdown, for `docs/benchmarks.md`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tests.bench import growth, ours, throughput
from tests.bench.figures import verdict

Figures = Mapping[str, Any]
_KB, _MB = 10**3, 10**6
_CLOCKS = {"rate": "issuances a second", "delivered": "by deliveries alone"}


def page(runs: Sequence[Figures], measures: Iterable[str]) -> str:
    """Return the conditions of each run, and what each measure found; of several runs of one, the last.

    Args:
        runs: as kept by `--out`.
        measures: in the order of the page.
    """
    parts = [_conditions([run["conditions"] for run in runs])]
    for name in measures:
        found = [(number, run[name]) for number, run in enumerate(runs, 1) if name in run]
        if found:
            number, figures = found[-1]
            body = _TABLES.get(name, _as_printed) if figures["values"] else _as_printed
            parts += [f"### {figures['title']}", f"`{name}` of run {number}:", *body(figures)]
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, whose columns after the first are figures."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {' '.join(line.split())}" for line in lines)


def _conditions(conditions: Sequence[Mapping[str, str]]) -> str:
    names = dict.fromkeys(name for one in conditions for name in one)
    head = ["", *(f"run {number}" for number, _ in enumerate(conditions, 1))]
    text = _table(head, ([name, *(one.get(name, "") for one in conditions)] for name in names))
    return text.replace("--:", "---")


def _as_printed(figures: Figures) -> list[str]:
    return [_list(figures["lines"])]


def _spread(spread: Mapping[str, float], digits: int = 0) -> str:
    low, high = (f"{spread[name]:,.{digits}f}" for name in ("low", "high"))
    return f"{spread['median']:,.{digits}f}" + (f" ({low} to {high})" if spread["runs"] > 1 else "")


def _throughput(figures: Figures) -> list[str]:
    values = figures["values"]
    contenders = {name: one for name, one in values.items() if isinstance(one, dict) and "rate" in one}
    head = ["", "processes", "requests", *_CLOCKS.values(), "ours, times", "CPU ms each"]
    rows = [
        [
            name,
            str(values["processes"].get(name, len(one["peak_mb"]))),
            f"{one['requests']:,}",
            *(_spread(one[clock]) for clock in _CLOCKS),
            _times(contenders, name),
            f"{sum(one['cpu_ms'].values()):.2f}",
        ]
        for name, one in contenders.items()
    ]
    cpu, memory = ({name: one[what] for name, one in contenders.items()} for what in ("cpu_ms", "peak_mb"))
    return [
        _table(head, rows),
        _list(throughput.verdicts(values)),
        _by_process("CPU ms an issuance", cpu, sum, 2),
        _by_process("peak memory, MB, of the largest process", memory, max, 0),
    ]


def _times(contenders: Mapping[str, Figures], name: str) -> str:
    """Return how many times a contender's rates ours are, by either clock."""
    if name == ours.NAME or ours.NAME not in contenders:
        return ""
    own, other = contenders[ours.NAME], contenders[name]
    return ", ".join(f"{own[clock]['median'] / other[clock]['median']:.1f}" for clock in _CLOCKS)


def _by_process(
    title: str,
    figures: Mapping[str, Mapping[str, float]],
    together: Callable[[Iterable[float]], float],
    digits: int,
) -> str:
    """Return a table with a row a program: `faststream.1` and `faststream.2` are one."""
    programs = dict.fromkeys(_program(name) for name in figures.get(ours.NAME, {}))
    programs |= dict.fromkeys(_program(name) for one in figures.values() for name in one)

    def cell(one: Mapping[str, float], program: str) -> str:
        found = [figure for name, figure in one.items() if _program(name) == program]
        return f"{together(found):.{digits}f}" if found else ""

    rows = ([program, *(cell(one, program) for one in figures.values())] for program in programs)
    return _table([title, *figures], rows)


def _program(process: str) -> str:
    return process.rstrip("0123456789").rstrip(".")


def _growth(figures: Figures) -> list[str]:
    ledgers = {int(citizens): one for citizens, one in figures["values"]["ledgers"].items()}
    fewest = next(iter(ledgers))
    head = ["citizens", "ledger, MB", "issuances a second", "of the rate with the fewest", "WAL KB each"]
    rows = [
        [
            f"{citizens:,}",
            f"{one['bytes'] / _MB:,.0f}",
            _spread(one["rate"]),
            "" if citizens == fewest else f"{one['ratio']:.2f}; {growth.judged(citizens, one['ratio'])}",
            f"{_wal(one):.1f}; {verdict(_wal(one), growth.MOST_WAL, at_least=False)}",
        ]
        for citizens, one in ledgers.items()
    ]
    upkeep = {citizens: one["beside"] for citizens, one in ledgers.items() if one["beside"]}
    kinds = dict.fromkeys(kind for one in upkeep.values() for kind in one)
    return [
        _table(head, rows),
        _plot("issuances a second", {n: one["rate"]["median"] for n, one in ledgers.items()}),
        _plot("KB of WAL an issuance", {n: _wal(one) for n, one in ledgers.items()}),
        _by_run(ledgers),
        _table(
            ["upkeep, ms, with so many citizens", *(f"{citizens:,}" for citizens in upkeep)],
            ([kind.replace("_", " "), *(f"{one[kind]:.2f}" for one in upkeep.values())] for kind in kinds),
        ),
    ]


def _by_run(ledgers: Mapping[int, Figures]) -> str:
    """Return a table with a row a run: the first comes right behind a checkpoint."""
    head = ["run since the checkpoint: a second, WAL KB each", *(f"{citizens:,}" for citizens in ledgers)]
    columns = [zip(one["each"]["rate"], one["each"]["wal"], strict=True) for one in ledgers.values()]
    runs = enumerate(zip(*columns, strict=True), 1)
    return _table(
        head, ([str(number), *(f"{rate:.0f}, {wal / _KB:.1f}" for rate, wal in run)] for number, run in runs)
    )


def _wal(ledger: Figures) -> float:
    """Return the KB of WAL an issuance."""
    return float(ledger["wal"]["median"]) / _KB


def _plot(what: str, figures: Mapping[int, float]) -> str:
    """Return a chart of a figure over the size of the ledger, which GitHub draws."""
    sizes = ", ".join(f'"{citizens:,}"' for citizens in figures)
    heights = ", ".join(f"{figure:.1f}" for figure in figures.values())
    return (
        "```mermaid\nxychart-beta\n"
        f'  x-axis "citizens in the ledger" [{sizes}]\n'
        f'  y-axis "{what}" 0 --> {max(figures.values()) * 1.2:.0f}\n'
        f"  line [{heights}]\n```"
    )


_TABLES: Mapping[str, Callable[[Figures], list[str]]] = {"throughput": _throughput, "growth": _growth}
