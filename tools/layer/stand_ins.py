"""Change `stand_ins`: modules that no function uses are left out, or replaced by a small module of
the same name.

A library often imports a large module for a feature that Bodega does not use. The replacements are
in stand_in_modules/, one file for each module, at the path of the module that it replaces.
"""

import shutil
from pathlib import Path
from typing import Final

from tools.layer.changes import LibraryChanged

MODULES: Final = Path(__file__).parent / "stand_in_modules"
LEFT_OUT: Final = {
    "pydantic/v1": "FastAPI tries to import it and works without it",
    "boto3/data": "describes resources; the shop uses clients",
    "boto3/examples": "documentation",
    "boto3/docs": "documentation",
    "s3transfer": "nothing moves files to S3",
    "fastapi/telemetry": "traces are X-Ray's",
    "opentelemetry": "only fastapi/telemetry needs it",
}


def replace(folder: Path) -> None:
    """Leave out and replace modules of the libraries in the folder.

    Raises:
        LibraryChanged: one of these modules does not exist.
    """
    replacements = sorted(MODULES.rglob("*.py"))
    for path in [*LEFT_OUT, *(str(file.relative_to(MODULES)) for file in replacements)]:
        if not (folder / path).exists():
            raise LibraryChanged("stand_ins", path, "does not exist any more")
    for path in LEFT_OUT:
        shutil.rmtree(folder / path)
    for file in replacements:
        target = folder / file.relative_to(MODULES)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, target)
