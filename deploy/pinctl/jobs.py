"""`pinctl jobs`: shows the jobs for the print shop, and the letters that wait for one."""

from typing import Any

import orjson

from deploy.pinctl.answer import Answer
from deploy.pinctl.settings import LedgerSettings
from deploy.pinctl.tables import age, count, table
from shared.ledger import Ledger

_JOBS = ("job", "state", "letters", "tries", "age", "how its letters stand")
_WAITING = ("day", "region", "letters", "age")


async def listing(ledger: LedgerSettings, limit: int) -> Answer:
    """List the latest jobs, those that are not at the shop first, and what is in none yet.

    Raises:
        LedgerLostError: the ledger is unavailable.
    """
    connection = await Ledger.open(ledger.ledger_dsn.reveal(), "pinctl")
    try:
        async with connection.snapshot():
            jobs = [_job(row) for row in await connection.rows("list_print_jobs", limit)]
            waiting = [
                {**row, "day": row["day"].isoformat()}
                for row in await connection.rows("list_waiting_letters")
            ]
    finally:
        await connection.close()
    return Answer(_text(jobs, waiting), {"jobs": jobs, "waiting": waiting})


def _job(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    return {
        "job": row["id"],
        "day": row["day"].isoformat(),
        "region": row["region"],
        "state": row["state"],
        "letters": row["letters"],
        "tries": row["tries"],
        "age": row["age"],
        "stand": orjson.loads(row["stand"] or "{}"),
    }


def _text(jobs: list[dict[str, Any]], waiting: list[dict[str, Any]]) -> str:
    listed = [
        (
            one["job"],
            one["state"],
            one["letters"],
            one["tries"],
            age(one["age"]),
            ", ".join(f"{many} {state}" for state, many in sorted(one["stand"].items())),
        )
        for one in jobs
    ]
    coming = [(one["day"], one["region"], one["letters"], age(one["age"])) for one in waiting]
    letters = count(sum(one["letters"] for one in waiting), "letter")
    return f"Jobs\n{table(_JOBS, listed)}\n\n{letters} in no job yet\n{table(_WAITING, coming)}"
