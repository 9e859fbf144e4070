"""Builds what the gateway serves as documentation: the two documents, and Swagger UI."""

import json
import shutil
import sys
from importlib import metadata, resources
from pathlib import Path

from tools.template import ROOT


def write(folder: Path) -> None:
    """Write the documents, Swagger UI and its licence into a folder, which must exist."""
    from gateway.site import BUILT_ASSETS, DOCUMENT, EVENTS
    from tools.openapi import document, events

    for name, made in ((DOCUMENT, document.document()), (EVENTS, events.document())):
        compact = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
        (folder / name).write_text(compact)
    for name in BUILT_ASSETS:
        with resources.as_file(resources.files("fastapi_swagger.resources") / name) as asset:
            shutil.copyfile(asset, folder / name)
    for file in metadata.files("fastapi-swagger") or ():
        if "licenses" in file.parts:
            shutil.copyfile(str(file.locate()), folder / f"fastapi-swagger.{file.name}")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "functions"), str(ROOT / "layers/shared")]
    write(Path(sys.argv[1]))
