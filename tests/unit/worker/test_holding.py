"""How many messages a lane asks its queue for."""

import pytest

from shared.worker.holding import held


@pytest.mark.parametrize(("batch", "expected"), [(1, 3), (16, 48), (200, 600), (500, 1000), (2000, 2000)])
def test_a_lane_holds_three_batches_but_no_more_than_a_thousand_messages_unless_one_is_larger(
    batch: int, expected: int
) -> None:
    assert held(batch) == expected
