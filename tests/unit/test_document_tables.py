"""What a command has measured goes into its place in a document."""

from pathlib import Path

import pytest

from tests.kit.tables import put


def test_a_table_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text("Before\n<!-- table of one -->\nold\n<!-- end of the table -->\nAfter\n")
    put("new", document, "one")
    put("newer", document, "one")
    assert document.read_text() == (
        "Before\n<!-- table of one -->\nnewer\n<!-- end of the table -->\nAfter\n"
    )
    with pytest.raises(ValueError, match="has no lines <!-- table of another -->"):
        put("new", document, "another")
