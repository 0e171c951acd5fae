"""A log is read while it is written."""

from pathlib import Path

import pytest

from tests.kit.logs import log_lines


@pytest.mark.parametrize("end", [b"", b"{", b'{"event": "two', b'{"event": "two"}'])
def test_a_line_whose_end_is_not_there_yet_is_left_for_the_next_look(tmp_path: Path, end: bytes) -> None:
    log = tmp_path / "worker.log"
    assert log_lines(log) == []
    whole = b'a traceback\n{"event": "one"}\n'
    log.write_bytes(whole + end)
    assert log_lines(log) == [{"event": "one"}]
    log.write_bytes(whole + b'{"event": "two"}\n')
    assert log_lines(log, len(whole)) == [{"event": "two"}]
