"""The bill of materials of what is deployed: `python -m tools.sbom` writes .cache/sbom.json."""

import re
import sys
from typing import Final

from tools.commands import output
from tools.local.places import ROOT
from tools.progress import Problem, exit_code, step

TARGET: Final = ROOT / ".cache/sbom.json"
# The docs page is made of this package's files: it is no part of the layer.
_PAGE: Final = "fastapi-swagger"


def deployed(libraries: str, dev: str) -> str:
    """The pinned requirements of what is deployed: the layer's and single functions', and one of
    the development's.
    """
    page = re.search(rf"^{_PAGE}==(?:.*\\\n)*.*\n", dev, re.MULTILINE)
    if page is None:
        raise Problem(f"{_PAGE} is missing in requirements/dev.txt.")
    return libraries + page[0]


def write(requirements: str) -> None:
    """Write the document.

    Raises:
        Problem: cyclonedx-py failed.
    """
    TARGET.parent.mkdir(exist_ok=True)
    command = (ROOT / ".tools/audit/bin/cyclonedx-py", "requirements", "-")
    options = ("--pyproject", "pyproject.toml", "--output-reproducible", "-o", TARGET)
    output("The bill of materials could not be made.", *command, *options, given=requirements)


def main() -> None:
    layer, dev = ROOT / "layers/shared/requirements.txt", ROOT / "requirements/dev.txt"
    libraries = (layer, *sorted((ROOT / "functions").glob("*.txt")))
    with step("bill of materials") as current:
        write(deployed("".join(file.read_text() for file in libraries), dev.read_text()))
        current.note(str(TARGET.relative_to(ROOT)))


if __name__ == "__main__":
    sys.exit(exit_code(main))
