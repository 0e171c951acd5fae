"""Italy's tables are read by who asks for them: a worker that never does starts a fifth sooner without."""

import subprocess
import sys

import pytest

from deploy.local.processes import CHECKOUT

_LOADED = """
import sys
import services.{service}.__main__
from shared.italy import places, residence
print(places._register.cache_info().currsize, residence.current.cache_info().currsize, *sys.modules)
"""


@pytest.mark.parametrize("service", ["issuer", "revoker", "dispositivo"])
def test_a_worker_that_was_only_loaded_has_read_no_place(service: str) -> None:
    argv = [sys.executable, "-c", _LOADED.format(service=service)]
    done = subprocess.run(argv, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    registers, postal_codes, *loaded = done.stdout.split()
    assert (registers, postal_codes) == ("0", "0")
    assert "email_validator" not in loaded
