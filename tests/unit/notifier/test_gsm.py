import pytest

from shared.texts.sms_length import fits_one_segment, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("è" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("È" * 70, 1),
        ("È" * 71, 2),
        ("È" * 134, 2),
        ("È" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_text_takes_as_many_sms_as_the_standard_says(text: str, expected: int) -> None:
    assert segments(text) == expected
    assert fits_one_segment(text) == (expected == 1)


def test_no_character_of_two_septets_is_split_over_two_parts() -> None:
    # 152 + 2 septets do not go into a first part of 153: the € moves on, and the tail no longer fits.
    assert segments("a" * 152 + "€" + "a" * 151) == 2
    assert segments("a" * 152 + "€" + "a" * 152) == 3
