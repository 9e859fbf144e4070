"""`make client`: a Python and a TypeScript client of the API, from docs/api/openapi.json.

They are written to .cache/clients, ready to be published (docs/clients.md).
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tools.commands import output
from tools.environments import NODE, NODE_PACKAGES
from tools.local.places import ROOT
from tools.progress import exit_code, step

DOCUMENT: Final = ROOT / "docs/api/openapi.json"
CLIENTS: Final = ROOT / ".cache/clients"
PYTHON: Final = CLIENTS / "python"
TYPESCRIPT: Final = CLIENTS / "typescript"
PACKAGE: Final = "bodega_client"
_BIN: Final = ROOT / ".tools/client/bin"
_GENERATOR: Final = NODE / "node_modules/openapi-typescript/bin/cli.js"
_SETTINGS: Final = {
    "project_name_override": PACKAGE.replace("_", "-"),
    "package_name_override": PACKAGE,
    # A status of an order is also one to list orders by: two enumerations would not be equal.
    "literal_enums": True,
}


def make_python(target: Path = PYTHON, document: Path = DOCUMENT) -> None:
    """Write the Python package, with its pyproject.toml.

    Raises:
        Problem: the generator failed, or left a part of the document out.
    """
    with _replaced(target) as folder:
        settings = folder.parent / "settings.yaml"
        settings.write_text(json.dumps(_SETTINGS))  # which is YAML, too
        output(
            f"The Python client could not be made of {document}:",
            *(_BIN / "openapi-python-client", "generate", "--path", document, "--meta", "uv"),
            *("--output-path", folder, "--overwrite", "--config", settings, "--fail-on-warning"),
            # The generator formats its code with the ruff of its environment.
            env={**os.environ, "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"},
        )


def make_typescript(target: Path = TYPESCRIPT, document: Path = DOCUMENT) -> None:
    """Write the types of all paths and schemas, for openapi-fetch.

    Raises:
        Problem: the generator failed.
    """
    version = json.loads(document.read_text())["info"]["version"]
    library = json.loads((NODE_PACKAGES / "package.json").read_text())["dependencies"]
    package = {
        "name": PACKAGE.replace("_", "-"),
        "version": version,
        "types": "api.d.ts",
        "files": ["api.d.ts"],
        "dependencies": {"openapi-fetch": library["openapi-fetch"]},
    }
    with _replaced(target) as folder:
        # What has a default may be left out of a request.
        options = ("--default-non-nullable=false", "--output", folder / "api.d.ts")
        output(
            f"The TypeScript client could not be made of {document}:",
            *(NODE / "bin/node", _GENERATOR, document, *options),
        )
        (folder / "package.json").write_text(json.dumps(package, indent=2) + "\n")


@contextmanager
def _replaced(target: Path) -> Iterator[Path]:
    """A new folder that takes the target's place at the end: what reads the old one meanwhile
    finds it whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        folder = Path(temporary, "new")
        folder.mkdir()
        yield folder
        if target.exists():
            target.rename(Path(temporary, "old"))
        folder.rename(target)


def main() -> None:
    with step("Python client") as progress:
        make_python()
        progress.note(str(PYTHON.relative_to(ROOT)))
    with step("TypeScript client") as progress:
        make_typescript()
        progress.note(str(TYPESCRIPT.relative_to(ROOT)))


if __name__ == "__main__":
    sys.exit(exit_code(main))
