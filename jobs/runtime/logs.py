"""Structured logs to standard error: one event a line, for people or as JSON; never a name, a token or a path."""

from __future__ import annotations

import logging
import sys

import structlog

from jobs.runtime.settings import LogSettings

# Names under which a person or a secret could slip into an event; their values are never printed.
PERSONAL_KEYS = frozenset(
    {
        "user",
        "user_name",
        "display_name",
        "source_user",
        "credential",
        "token",
        "access_token",
        "refresh_token",
        "salt",
    }
)


def configure_logs(settings: LogSettings) -> None:
    """Set up structlog once, at the edge."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso" if settings.format == "json" else "%H:%M:%S", utc=True),
            _without_personal_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _without_personal_values(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {key: "(not logged)" if key in PERSONAL_KEYS else value for key, value in event.items()}
