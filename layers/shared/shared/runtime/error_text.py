"""What may be told of an error to anybody, in a log or beside a dead letter: nothing of the data that it failed on."""

import traceback
from collections.abc import Collection
from types import TracebackType
from typing import Final

from botocore.exceptions import ClientError
from pydantic import ValidationError

# Whose errors' texts are our own words.
OURS: Final = ("shared", "gateway", "notifications", "orders", "products", "users")
_CAUSED: Final = "\n\nThe above exception was the cause of the following one:\n\n"


def told(error: BaseException, *, ours: Collection[str] = OURS) -> str:
    """What failed, in a line.

    Args:
        ours: the packages whose errors speak for themselves.
    """
    name = type(error).__name__
    if isinstance(error, ValidationError):
        # Its text may repeat the input.
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        places = [(".".join(map(str, each["loc"])) or "body", each["type"]) for each in wrong]
        return f"{name}: {', '.join(f'{place} {type_}' for place, type_ in places)}"
    if isinstance(error, ClientError):
        # AWS's sentences name keys, values and addresses.
        return f"{name}: {error.response['Error']['Code']} at {error.operation_name}"
    if type(error).__module__.partition(".")[0] in ours:
        return f"{name}: {error}"
    # Others may say anything (a KeyError says the key), so the place has to tell.
    places_of_code = [*traceback.walk_tb(error.__traceback__)]
    if not places_of_code:
        return name
    frame, line = places_of_code[-1]
    return f"{name} at {frame.f_globals['__name__']}:{line}"


def trace(error: BaseException) -> str:
    """The error's traceback and those of its causes, each with what may be told of it."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None:
        parts.append(f"{_lines(current.__traceback__)}{told(current)}")
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return _CAUSED.join(reversed(parts))


def _lines(tb: TracebackType | None) -> str:
    return f"Traceback (most recent call last):\n{''.join(traceback.format_tb(tb))}" if tb else ""
