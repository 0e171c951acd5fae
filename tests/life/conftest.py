"""The number of lives: `pytest tests/life --hypothesis-profile=long` runs more, new ones each time."""

from hypothesis import HealthCheck, settings

COMMON = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

settings.register_profile("life", COMMON, max_examples=150, stateful_step_count=50, derandomize=True)
settings.register_profile("long", COMMON, max_examples=5000, stateful_step_count=100)
