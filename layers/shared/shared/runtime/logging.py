"""Structured logs: one JSON object a line by Powertools, each under the request's id."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from logging import StreamHandler, getLogger
from types import TracebackType
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from shared.runtime import context, error_text


class _Formatter(LambdaPowertoolsFormatter):
    """Powertools' formatter, which shows of an exception what holds no personal data: its text may
    be an address."""

    def formatException(  # noqa: N802  # the standard library's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return error_text.describe_with_traceback(ei[1]) if ei[1] else ""


@cache
def logger() -> Logger:
    """The function's logger; its service and level are in the variables that Powertools names."""
    made = Logger(
        logger_formatter=_Formatter(utc=True, use_rfc3339=True, serialize_stacktrace=False)
    )
    # Powertools prefers Lambda's ApplicationLogLevel, which has to let metrics pass.
    getLogger(made.name).setLevel(os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"))
    return made


def limit_libraries() -> None:
    """Let libraries log warnings and errors only, at every LogLevel.

    Lambda's runtime gives the root logger the level ApplicationLogLevel. Below WARNING the SDK logs
    whole requests, with credentials and personal data.
    """
    getLogger().setLevel("WARNING")


def begin(proposed_request_id: str | None, **keys: Any) -> str:
    """Start a request or message: every line until the next carries its id and `keys`. Returns the
    id."""
    request_id = context.begin(proposed_request_id)
    logger().structure_logs(append=False, request_id=request_id, **keys)
    return request_id


@contextmanager
def dropped() -> Iterator[None]:
    """What is logged meanwhile is written nowhere."""
    handler: StreamHandler[Any] = logger().registered_handler  # type: ignore[assignment]  # Powertools makes one
    written_to = handler.setStream(io.StringIO())
    try:
        yield
    finally:
        handler.setStream(written_to)
