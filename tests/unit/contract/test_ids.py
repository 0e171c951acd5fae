"""Ids that begin with their time."""

import time
from uuid import RFC_4122, UUID

from docs.examples import portal
from shared.contract.ids import new_message_id


def test_a_message_id_of_ours_begins_with_the_time_and_so_does_that_of_the_example() -> None:
    """RFC 9562, version 7."""
    before = int(time.time() * 1000)
    ids = [UUID(make()) for make in (new_message_id, portal.new_message_id) for _ in range(50)]
    assert {(one.version, one.variant) for one in ids} == {(7, RFC_4122)}
    assert all(before <= one.int >> 80 <= int(time.time() * 1000) for one in ids)
    assert len(set(ids)) == len(ids)
