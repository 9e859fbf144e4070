"""The changes to the libraries, each in the module of its name. docs/cold-starts.md explains all of
them."""

from enum import StrEnum
from typing import Final


class Change(StrEnum):
    """SLIM and DEFERRED_IMPORTS happen while BYTECODE compiles, so without BYTECODE they do not
    happen either."""

    BYTECODE = "bytecode"
    SLIM = "slim"
    STAND_INS = "stand_ins"
    DEFERRED_IMPORTS = "deferred_imports"
    SDK_DATA = "sdk_data"
    CERTIFICATES = "certificates"


ALL: Final = frozenset(Change)


class LibraryChanged(Exception):
    """A library differs from what a change expects, usually after an upgrade."""

    def __init__(self, change: Change, path: str, difference: str) -> None:
        super().__init__(
            f"{path} {difference}: correct tools/layer/{change}.py (see docs/cold-starts.md), "
            "or build with LAYER=plain until then."
        )
