"""Where functions that run in this process write their log."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from logging import StreamHandler
from typing import IO, Any

from shared.runtime import logging


@contextmanager
def logged_to(stream: TextIOBase | IO[str]) -> Iterator[None]:
    """Have the log in the stream. Powertools' logger keeps the first that it finds, which may be
    that of another test.
    """
    handler: StreamHandler[Any] = logging.logger().registered_handler  # type: ignore[assignment]  # Powertools makes one
    written_to = handler.setStream(stream)
    try:
        yield
    finally:
        if written_to:
            handler.setStream(written_to)
