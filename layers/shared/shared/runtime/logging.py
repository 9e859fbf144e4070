"""Structured logs: one JSON object a line by Powertools, each under the id of the request at hand,
which is carried through every call between functions. CloudWatch charges each byte."""

import io
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from logging import StreamHandler, getLogger
from types import TracebackType
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from shared.runtime import error_text, steps

# No "@": the id is in every log line, and no e-mail address may be.
_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_is_cold: ContextVar[bool] = ContextVar("is_cold", default=False)


class _Formatter(LambdaPowertoolsFormatter):
    """Powertools' formatter, which shows of an exception what holds no personal data: its text may
    be an address."""

    def formatException(  # noqa: N802  # the standard library's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return error_text.describe_with_traceback(ei[1]) if ei[1] else ""

    def serialize(self, log: Any) -> str:
        log.pop("taskName", None)  # asyncio's
        if "Sampled=1" not in os.environ.get("_X_AMZN_TRACE_ID", ""):
            # X-Ray has no trace with this id.
            log.pop("xray_trace_id", None)
        return super().serialize(log)


@cache
def logger() -> Logger:
    """The function's logger; its service and level are in the variables that Powertools names."""
    made = Logger(
        logger_formatter=_Formatter(
            utc=True, use_rfc3339=True, serialize_stacktrace=False, location=None
        )
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


def request_id() -> str:
    """The id of the request or message being worked on; empty outside of one."""
    return _request_id.get()


def begin_invocation(*, is_cold: bool) -> None:
    """Start an invocation: each of its lines says if the environment was started for it."""
    _is_cold.set(is_cold)


def begin(proposed: str | None, **keys: Any) -> str:
    """Start a request or message under the caller's id if it is sane, else under a new one: every
    log line until the next carries its id and `keys`. Returns the id."""
    chosen = proposed if proposed and _SANE.fullmatch(proposed) else uuid.uuid4().hex
    _request_id.set(chosen)
    cold: dict[str, Any] = {"cold_start": True} if _is_cold.get() else {}
    steps.begin()
    logger().structure_logs(append=False, request_id=chosen, **cold, **keys)
    return chosen


def add(**keys: Any) -> None:
    """Add keys to each further line of the request or message being worked on."""
    logger().append_keys(**keys)


@contextmanager
def dropped() -> Iterator[None]:
    """What is logged meanwhile is written nowhere."""
    handler: StreamHandler[Any] = logger().registered_handler  # type: ignore[assignment]  # Powertools makes one
    written_to = handler.setStream(io.StringIO())
    try:
        yield
    finally:
        handler.setStream(written_to)
