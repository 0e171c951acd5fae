"""Logs: JSON, one line an event, to standard output. The catalogue is in `docs/logs.md`."""

import logging
import sys
import traceback
from types import TracebackType
from typing import Any

import orjson
import structlog


class _Foreign(logging.Handler):
    """Converts log records of libraries to the same form: logger, severity, template; never the values."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning(
            "library.log",
            library=record.name,
            severity=record.levelname.lower(),
            said=str(record.msg)[:200],
            error=record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None,
        )


def configure(worker: str, level: str) -> None:
    """Send all logs of this process, libraries included, to standard output as JSON.

    Args:
        worker: the name under which this process logs, such as `notifier-sms`.
        level: the lowest level that is written, such as `info`.
    """
    structlog.configure(
        processors=[
            # Channels log by loggers of their own modules: their lines say whose they are, too.
            lambda _, __, event: {"worker": worker, **event},
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)
    sys.excepthook = lambda _, error, __: get().error("worker.died", **where(error))


def get() -> Any:  # noqa: ANN401 - structlog's loggers have the methods of the configured class
    """Return a logger of this process; `configure` has said how it is called."""
    return structlog.get_logger().bind()


def where(error: BaseException) -> dict[str, str]:
    """Return what was raised and where, without its message, which may quote personal data."""
    frame = traceback.extract_tb(_innermost(error))[-1:]
    return {"error": type(error).__name__, "at": f"{frame[0].filename}:{frame[0].lineno}" if frame else ""}


def reason_of(error: BaseException) -> str:
    """Return the same on one line, as the reason under which a message is parked."""
    return ": ".join(where(error).values())


def _innermost(error: BaseException) -> TracebackType | None:
    return error.__traceback__


def _dumps(event: Any, **_: Any) -> bytes:  # noqa: ANN401 - structlog's call
    return orjson.dumps(event, default=str)
