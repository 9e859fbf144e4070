"""`make service NAME=reviews`: adds a service in the shape of the others; docs/add-a-service.md."""

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.new_service.edits import FILES, edited, taken
from tools.new_service.names import Names

_ROOT = Path(__file__).parents[2]
_RUFF = Path(sys.executable).with_name("ruff")
_NEXT = (
    "docs/add-a-service.md says what they are. `make tables budgets` follows;"
    " then `make check test run`."
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make service")
    parser.add_argument("name")
    parser.add_argument("--singular", default="")
    options = parser.parse_args()
    try:
        names = Names.of(options.name, options.singular)
        made = add(_ROOT, names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in made:
        print(f"▸ {path.relative_to(_ROOT)}")
    print(f"In the code, each of the {names.plural} is a {names.singular}.")
    print(_NEXT)
    return 0


def add(root: Path, names: Names) -> list[Path]:
    """Write the service's files and what others need of it; return the files.

    Raises:
        ValueError: the name is taken, or a file has no place for what it needs.
    """
    spec = importlib.util.find_spec(names.package)
    # A folder without a module may be left of a service that was deleted.
    if (spec and spec.origin) or (root / names.package).exists():
        raise ValueError(f"{names.plural} exists: Python has a module {names.package}.")
    if word := taken(root, names):
        raise ValueError(
            f"{names.plural} would give {word} a second meaning in the code: choose another name,"
            f" such as shop-{names.plural}."
        )
    copied = _copied(root, names)
    for path in (*copied, *(root / "tests" / names.package).glob("*.*")):
        if path.exists():
            raise ValueError(f"{path.relative_to(root)} exists: move it away first.")
    texts = edited(root, names) | copied
    before = {path: path.read_text() for path in texts if path not in copied}
    try:
        _write(root, texts)
    except BaseException:
        for path in texts:
            path.write_text(before[path]) if path in before else path.unlink(missing_ok=True)
        raise
    return list(texts)


def _write(root: Path, texts: Mapping[Path, str]) -> None:
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    # Imports are sorted and lines joined by the names that they have now.
    python = [path for path in texts if path.suffix == ".py"]
    for command in (["check", "--select=I", "--fix"], ["format"]):
        subprocess.run([_RUFF, *command, "--quiet", *python], cwd=root, check=True)


def _copied(root: Path, names: Names) -> dict[Path, str]:
    return {
        root / names.applied(str(file.relative_to(FILES))): names.applied(file.read_text())
        for folder in ("functions", "tests", "events")
        for file in sorted((FILES / folder).rglob("*.*"))
    }


if __name__ == "__main__":
    sys.exit(main())
