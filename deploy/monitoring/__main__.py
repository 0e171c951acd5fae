"""Writes the rules of both forms and the program for mtail, or checks those that are committed.

`python -m deploy.monitoring` writes them from `deploy/monitoring/alerts.py`; with `--check` it tells whether
the committed ones are what that says.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.monitoring import dashboard, logql, program, promql
from shared.contract.generated import Generated

HERE = Path(__file__).parent
GENERATED = tuple(
    Generated("deploy.monitoring", HERE / path, text)
    for path, text in (
        ("grafana/dashboard.json", dashboard.text),
        ("loki/rules.yaml", logql.text),
        ("mtail/pin.mtail", program.text),
        ("prometheus/rules.yaml", promql.text),
    )
)


def main(words: Sequence[str] | None = None) -> int:
    """Write or check them; return the exit status."""
    return max([one.main(words, __doc__) for one in GENERATED])


if __name__ == "__main__":
    sys.exit(main())
