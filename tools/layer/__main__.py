"""`python -m tools.layer <folder>`: changes installed libraries so that functions load them
faster."""

from pathlib import Path

from tools.layer import bytecode, certificates, sdk_data, stand_ins
from tools.layer.changes import run


def make(folder: Path) -> None:
    """Apply all changes to the libraries in the folder.

    Raises:
        LibraryChanged: a library differs from what a change expects.
    """
    stand_ins.replace(folder)
    sdk_data.prune(folder / "botocore/data")
    certificates.prune(folder / "botocore/cacert.pem")
    bytecode.compile_folder(folder, compiled_for="/opt/python")


if __name__ == "__main__":
    run("tools.layer", make)
