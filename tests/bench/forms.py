"""Form pages a second, typeset by one process."""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from datetime import UTC, date, datetime
from uuid import uuid4

from deploy.local.citizens import PLAIN, citizens
from deploy.local.stack import Stack
from services.dispositivo.application import Form
from services.dispositivo.form import prepare, typeset
from tests.bench.figures import Spread
from tests.bench.measure import Told


def options(parser: ArgumentParser) -> None:
    """Add the options of this measure."""
    parser.add_argument("--form-runs", type=int, default=5)
    parser.add_argument("--forms", type=int, default=1_000, help="in a run")


async def measure(_: Stack, options: Namespace) -> Told:
    """Typeset forms of different citizens, each a document of its own, as the worker does."""
    prepare()
    forms = [_filled(body) for _, body in citizens(options.forms, seed=8, kinds=(PLAIN,))]
    pages = Spread.of([await asyncio.to_thread(_rate, forms) for _ in range(options.form_runs)])
    size = len(typeset(forms[0]))
    return Told(
        "Form pages a second, on one core",
        [f"{pages.told('pages/s')}, each a PDF/A of {size / 1000:.0f} kB"],
        {"forms": options.forms, "rate": pages.as_json(), "bytes": size},
    )


def _rate(forms: list[Form]) -> float:
    began = time.perf_counter()
    for form in forms:
        typeset(form)
    return len(forms) / (time.perf_counter() - began)


def _filled(body: dict[str, object]) -> Form:
    given = {name: str(body[name]) for name in ("codice_fiscale", "surname", "name", "sex")}
    return Form(
        **given,
        request_id=str(uuid4()),
        language="it",
        birth_date=date.fromisoformat(str(body["birth_date"])),
        birth_place=str(body["birth_place"]),
        birth_province=str(body["birth_province"]),
        residence=("Via Roma 1", "56125 Pisa PI"),
        contacts=(("mobile", "+393331234567"), ("email", "cittadino@example.it")),
        requested_on=datetime.now(UTC).date(),
        submission="online",
    )
