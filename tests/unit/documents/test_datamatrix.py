"""The Data Matrix of a UUID (ISO/IEC 16022)."""

import uuid

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.datamatrix import SIDE, bitmap, matrix

SCALE, QUIET = 4, 2


@settings(max_examples=50, deadline=None)
@given(st.uuids(version=4))
def test_a_decoder_reads_the_uuid_back(number: uuid.UUID) -> None:
    width = (SIDE + 2 * QUIET) * SCALE
    blank = [False] * QUIET
    rows = [[*blank, *(module == "1" for module in row), *blank] for row in matrix(str(number))]
    margin = [[False] * (SIDE + 2 * QUIET)] * QUIET
    dots = bytes(
        0 if module else 255
        for row in (*margin, *rows, *margin)
        for _ in range(SCALE)
        for module in row
        for _ in range(SCALE)
    )
    [found] = zxingcpp.read_barcodes(memoryview(dots).cast("B", (width, width)))
    assert found.text == str(number)
    assert found.format == zxingcpp.BarcodeFormat.DataMatrix


@pytest.mark.parametrize("text", ["", "short", "é" * 36, "a" * 37])
def test_anything_but_36_ascii_characters_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="36 ASCII"):
        bitmap(text)
