"""What can be set about log-in."""

from pydantic import Field

from shared.config.settings import Settings


class AccessSettings(Settings):
    """Settings of the access lane."""

    access_batch: int = Field(default=16, ge=1, le=500)
    """Attempts in one batch: more is a little faster under load, and every one waits for the slowest."""
    argon2_threads: int = Field(default=0, ge=0, le=64)
    """Comparisons at once, 19 MiB each; 0 is one a core."""
