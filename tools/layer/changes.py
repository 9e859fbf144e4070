"""What is changed of the installed packages; each can be left out, so that what it gains can be measured."""

from enum import StrEnum
from typing import Final


class Change(StrEnum):
    """Without BYTECODE the sources stay as they are, SLIM and DEFERRED or not: both happen when they are compiled."""

    BYTECODE = "bytecode"
    SLIM = "slim"  # no docstrings, no annotations of functions
    STAND_INS = "stand-ins"  # and what is left out
    DEFERRED = "deferred"  # imports, anyio's too
    SDK_DATA = "sdk-data"  # and what the SDK registers, and whom it trusts


ALL: Final = frozenset(Change)
