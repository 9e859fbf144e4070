"""Builds what the gateway serves as documentation: the two documents, and Swagger UI's assets for
the page that shows one."""

import json
import shutil
import sys
from collections.abc import Iterable
from importlib import metadata, resources
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_ASSETS_PACKAGE: Final = "fastapi-swagger"


def write(folder: Path) -> None:
    """Write the documents and the page's assets into a folder, which must exist."""
    from gateway.site import ASSETS, DOCUMENT, EVENTS
    from tools.openapi import document, events

    for name, made in ((DOCUMENT, document.document()), (EVENTS, events.document())):
        compact = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
        (folder / name).write_text(compact)
    source = resources.files("fastapi_swagger.resources")
    for name in ASSETS:
        with resources.as_file(source / name) as asset:
            shutil.copyfile(asset, folder / name)
    for licence in _licences():
        shutil.copyfile(licence, folder / f"{_ASSETS_PACKAGE}.{licence.name}")


def _licences() -> Iterable[Path]:
    for file in metadata.files(_ASSETS_PACKAGE) or ():
        if "licenses" in file.parts:
            yield Path(str(file.locate()))


if __name__ == "__main__":
    sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT / "layers/shared")]
    write(Path(sys.argv[1]))
