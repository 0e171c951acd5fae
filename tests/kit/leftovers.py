"""What a failed test leaves open fails no other test.

A test that fails in its middle closes nothing, and pytest keeps its failure, and so what was open, until
the next test runs. That one would fail by a warning of what it never opened. A test that passes answers for
its own.
"""

import gc
import sys
import warnings
from collections.abc import Generator
from typing import Any

import pytest

_FAILED = pytest.StashKey[bool]()
_KEPT = ("last_exc", "last_value", "last_traceback")
"""Where the failure is kept, for a debugger (`sys`)."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether it failed."""
    report = yield
    item.stash[_FAILED] = report.failed or item.stash.get(_FAILED, False)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Once it is over, and its event loop gone, collect what a failed test left, without a warning."""
    over = yield
    if item.stash.get(_FAILED, False):
        for name in _KEPT:
            vars(sys).pop(name, None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
    return over
