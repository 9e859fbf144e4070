"""Describes errors for logs and dead letters, without the data that they failed on."""

import traceback
from types import TracebackType
from typing import Final

from botocore.exceptions import ClientError
from pydantic import ValidationError

from shared.errors import OwnError

_CAUSED: Final = "\n\nThe above exception was the cause of the following one:\n\n"


def describe(error: BaseException) -> str:
    """What failed, in a line: the error's own text only if it repeats no data."""
    name = type(error).__name__
    if isinstance(error, ValidationError):
        # Its text may repeat the input.
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        places = [(".".join(map(str, each["loc"])) or "body", each["type"]) for each in wrong]
        return f"{name}: {', '.join(f'{place} {type_}' for place, type_ in places)}"
    if isinstance(error, ClientError):
        # AWS's sentences name keys, values and addresses.
        return f"{name}: {error.response['Error']['Code']} at {error.operation_name}"
    if isinstance(error, OwnError):
        return f"{name}: {error}"
    # The texts of others may repeat data (a KeyError names the key): name the place instead.
    places_of_code = [*traceback.walk_tb(error.__traceback__)]
    if not places_of_code:
        return name
    frame, line = places_of_code[-1]
    return f"{name} at {frame.f_globals['__name__']}:{line}"


def describe_with_traceback(error: BaseException) -> str:
    """The tracebacks of an error and its causes, each with its description."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None:
        parts.append(f"{_lines(current.__traceback__)}{describe(current)}")
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return _CAUSED.join(reversed(parts))


def _lines(tb: TracebackType | None) -> str:
    return f"Traceback (most recent call last):\n{''.join(traceback.format_tb(tb))}" if tb else ""
