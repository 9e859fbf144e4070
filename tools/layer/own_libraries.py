"""`python -m tools.layer.own_libraries <folder>`: changes the libraries that a single function has,
before its code is copied beside them.
"""

import shutil
from pathlib import Path
from typing import Final

from tools.layer import bytecode
from tools.layer.changes import LibraryChanged, run

LEFT_OUT: Final = {
    "stripe/params": "half of the library: types, which nothing imports when it runs",
}


def make(folder: Path) -> None:
    """Apply all changes to the libraries in the folder.

    Raises:
        LibraryChanged: a library differs from what a change expects.
    """
    for path in LEFT_OUT:
        if not (folder / path).exists():
            raise LibraryChanged("own_libraries", path, "does not exist any more")
        shutil.rmtree(folder / path)
    bytecode.compile_folder(folder, compiled_for="/var/task")


if __name__ == "__main__":
    run("tools.layer.own_libraries", make)
