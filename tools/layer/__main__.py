"""`python -m tools.layer <folder>`: changes installed libraries so that functions load them
faster."""

import argparse
import sys
from pathlib import Path

from tools.layer import bytecode, certificates, sdk_data, stand_ins
from tools.layer.changes import ALL, Change, LibraryChanged


def make(folder: Path, changes: frozenset[Change] = ALL) -> None:
    """Apply the changes to the libraries in the folder.

    Raises:
        LibraryChanged: a library differs from what a change expects.
    """
    if Change.STAND_INS in changes:
        stand_ins.replace(folder)
    if Change.SDK_DATA in changes:
        sdk_data.prune(folder / "botocore/data")
    if Change.CERTIFICATES in changes:
        certificates.prune(folder / "botocore/cacert.pem")
    if Change.BYTECODE in changes:
        bytecode.compile_folder(folder, compiled_for="/opt/python", changes=changes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.layer", description=__doc__)
    parser.add_argument("folder", type=Path)
    try:
        make(parser.parse_args().folder)
    except LibraryChanged as changed:
        sys.exit(str(changed))


if __name__ == "__main__":
    main()
