"""`make affected`: runs the tests that depend on the files that differ from a branch.

A test depends on the modules that it imports, on what these import, and on other files whose names
stand in one of them. Modules that are imported by their name at run time (the entries of functions)
are not seen: `make test` runs all tests.
"""

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.local.places import APP_PYTHON, ROOT

_TEST: Final = re.compile(r"tests/(.+/)?test_\w+\.py$")
_CODE: Final = (
    *("functions", "layers/shared/shared", "layers/faults/faults"),
    *("tools", "bench", "tests"),
)


def changed_files(base: str) -> set[str]:
    """The files that differ from where this branch left the base, those that are not committed
    included."""
    [fork] = _git("merge-base", base, "HEAD")
    new = _git("ls-files", "--others", "--exclude-standard")
    return {*_git("diff", "--name-only", fork), *new}


def _git(*arguments: str) -> list[str]:
    return subprocess.check_output(("git", *arguments), cwd=ROOT, text=True).splitlines()


def affected_tests(changed: set[str]) -> list[str]:
    """The test files that depend on one of the files."""
    sources = {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in _CODE
        for path in (ROOT / folder).rglob("*.py")
    }
    modules = {_module(path): path for path in sources}
    # `users-me.json`, or `"events"` for what lies in that folder.
    texts = {
        text: path
        for path in changed
        if not path.endswith(".py")
        for text in (Path(path).name, f'"{Path(path).parent.name}"')
    }
    uses = {
        path: {modules[name] for name in _imports(source) if name in modules}
        | {file for text, file in texts.items() if text in source}
        for path, source in sources.items()
    }
    found = set(changed)
    while more := {path for path, used in uses.items() if used & found} - found:
        found |= more
    # tools/new_service has tests of a service that does not exist here.
    return sorted(path for path in found & sources.keys() if _TEST.match(path))


def _module(path: str) -> str:
    """`functions/orders/models.py` is orders.models, `tests/orders/steps.py` is
    tests.orders.steps."""
    for root in ("functions/", "layers/shared/", "layers/faults/"):
        path = path.removeprefix(root)
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make affected", description=__doc__)
    parser.add_argument("--base", default="main")
    parser.add_argument("arguments", nargs="*", help="for pytest")
    options = parser.parse_args()
    tests = affected_tests(changed_files(options.base))
    if not tests:
        print(f"▸ no test depends on what differs from {options.base}")
        return 0
    print(f"▸ {len(tests)} test files depend on what differs from {options.base}", flush=True)
    return subprocess.call((APP_PYTHON, "-m", "pytest", "--quiet", *options.arguments, *tests))


if __name__ == "__main__":
    sys.exit(main())
