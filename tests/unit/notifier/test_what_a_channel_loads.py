"""A channel is one of four small processes: it loads of the contract what it says itself."""

import subprocess
import sys

from deploy.local.processes import CHECKOUT

_LOADED = """
import sys
import services.notifier.__main__
print(*sorted(sys.modules))
"""


def test_a_channel_loads_neither_the_commands_of_citizens_nor_italy_s_tables() -> None:
    """They would cost it eleven megabytes, and half as long a start again."""
    argv = [sys.executable, "-c", _LOADED]
    loaded = subprocess.run(argv, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split()
    assert "shared.contract.internal" in loaded
    assert "shared.contract.message" not in loaded
    italian = {name for name in loaded if name.startswith(("shared.italy", "phonenumbers"))}
    assert italian <= {"shared.italy", "shared.italy.dates"}
