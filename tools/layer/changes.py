"""What runs changes of the libraries, and what a change raises when it no longer fits.
docs/cold-starts.md explains all changes."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


class LibraryChanged(Exception):
    """A library differs from what a change expects, usually after an upgrade.

    Args:
        change: the change, by its module's name.
    """

    def __init__(self, change: str, path: str, difference: str) -> None:
        super().__init__(
            f"{path} {difference}: correct tools/layer/{change}.py (see docs/cold-starts.md), "
            "or build with LAYER=plain until then."
        )


def run(program: str, make: Callable[[Path], None]) -> None:
    """Run `make` as the program `python -m <program> <folder>`, which fails with the text of a
    `LibraryChanged`."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("folder", type=Path)
    try:
        make(parser.parse_args().folder)
    except LibraryChanged as changed:
        sys.exit(str(changed))
