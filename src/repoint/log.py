"""What a process logs: on a terminal readable lines, elsewhere one JSON object a line, on standard error.

Nothing personal is logged, only ids: a traceback shows no values of variables, and an error of the database no row.
"""

import logging
import sys
from collections.abc import Iterator
from typing import Literal

import psycopg
import structlog

Level = Literal["debug", "info", "warning", "error"]


def configure_logs(level: Level) -> None:
    """Set up this process's logs, its libraries' included; those are heard from `warning` on."""
    if sys.stderr.isatty():
        # The renderer's own tracebacks print the values of variables, and those are people's.
        plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        renderer: list[structlog.typing.Processor] = [plain]
    else:
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_rows,
    ]
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter_steps = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=formatter_steps, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _hide_rows(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave of the database's errors what kind they are and which constraint: their texts quote rows."""
    info = event.get("exc_info")
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    for each in _with_causes(error):
        # Errors of a connection come without a code; they quote nothing.
        if isinstance(each, psycopg.Error) and each.sqlstate is not None:
            each.args = (f"SQLSTATE {each.sqlstate} {each.diag.constraint_name or ''}".rstrip(),)
    return event


def _with_causes(error: object) -> Iterator[BaseException]:
    while isinstance(error, BaseException):
        yield error
        if isinstance(error, BaseExceptionGroup):
            for part in error.exceptions:
                yield from _with_causes(part)
        error = error.__cause__ or error.__context__
