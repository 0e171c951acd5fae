"""What can be set about the jobs for the print shop; each line says what it costs to change it."""

import re
from datetime import time, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.config.settings import Names, Settings

_DAY = re.compile(r"(?:[0-9]{4}-)?(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")


def _days(value: frozenset[str]) -> frozenset[str]:
    if wrong := sorted(one for one in value if not _DAY.fullmatch(one)):
        raise ValueError(f"has to be days such as 2026-06-24, or 06-24 for every year: {', '.join(wrong)}")
    return value


def _without_zone(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("has to be a time in Italy, without a zone")
    return value


class PrintJobSettings(Settings):
    """Settings of the jobs, from `PIN_POST_…`."""

    post_cut_off: Annotated[time, AfterValidator(_without_zone)] = time(15)
    """When a working day's jobs are closed, in Italy's time: what comes later goes into the next working
    day's. Later than the shop takes jobs in, and every letter is a day late."""
    post_holidays: Annotated[Names, AfterValidator(_days)] = frozenset()
    """Days on which the shop does not work beside Saturdays, Sundays and Italy's holidays, such as its
    patron's: `2026-06-24` for one, `06-24` for every year. With one missing a job lies there for a day."""
    post_daily_cap: int = Field(default=20_000, ge=1, le=100_000)
    """Letters that the shop takes a day, all regions together. The rest waits for the next working day,
    the oldest first (`letters.over_cap`): with a cap below what comes they wait longer each day."""
    post_job_letters: int = Field(default=2_000, ge=1, le=10_000)
    """Letters in one job: a region with more has several a day. More takes more memory, some 10 MB a
    thousand; fewer makes more files."""
    post_document_pages: int = Field(default=500, ge=1, le=10_000)
    """Pages in one document of a job: 4.6 kB each. More makes fewer files, and larger ones."""
    post_answer_within: timedelta = timedelta(days=5)
    """How long the shop may say nothing of a letter that it was handed; then `letters.unanswered` asks for
    it, every hour. Shorter alarms over weekends; longer finds a lost job late."""
