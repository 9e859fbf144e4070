"""Small faults in one module, such as `<` in place of `<=`, made and tried by cosmic-ray in a copy
of the project."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tools.local.places import ROOT
from tools.mutants.mutant import path_of
from tools.progress import Problem, step

_BIN: Final = ROOT / ".tools/mutants/bin"
# Annotations such as `str | None` are no code, and a decorator that is missing breaks the import.
_CONFIG: Final = """
[cosmic-ray]
module-path = "{path}"
timeout = 120
excluded-modules = []
test-command = {command}
distributor.name = "local"
filters.operators-filter.exclude-operators = [
    "core/ReplaceBinaryOperator_BitOr_.*", "core/RemoveDecorator"
]
"""


def run(module: str, tests: str) -> None:
    """Print the mutants of a module that no test catches, each as a diff, and their rate.

    Args:
        module: its dotted name, such as orders.saga.
        tests: pytest's arguments; if empty, those that the module's name suggests.

    Raises:
        Problem: there is no such module, or its tests fail without a mutant.
    """
    path = path_of(module)
    if path is None:
        raise Problem(f"There is no module {module}: write for example MODULE=orders.saga.")
    with tempfile.TemporaryDirectory(prefix="bodega-mutants-") as folder:
        copy = Path(folder) / "project"
        # What begins with a dot is environments, caches and history.
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider"
        command = json.dumps(f"{command} {tests or _tests_of(module)}")
        config = _CONFIG.format(path=path.relative_to(ROOT), command=command)
        (copy / "mutants.toml").write_text(config)
        with step("its tests, without a mutant"):
            _run(copy, "cosmic-ray", "baseline", "mutants.toml")
        _run(copy, "cosmic-ray", "init", "mutants.toml", "mutants.sqlite")
        _run(copy, "cr-filter-operators", "mutants.sqlite", "mutants.toml")
        with step("its mutants"):
            _run(copy, "cosmic-ray", "exec", "mutants.toml", "mutants.sqlite")
        for program in (("cr-report", "--show-diff", "--surviving-only"), ("cr-rate",)):
            print(_run(copy, *program, "mutants.sqlite"))


def _tests_of(module: str) -> str:
    """The test files with the module's name in theirs, or else all of its service."""
    service, _, rest = module.partition(".")
    folder = ROOT / "tests" / service
    name = rest.rpartition(".")[2]
    found = sorted(folder.rglob(f"test_*{name}*.py")) if name else []
    return " ".join(str(file.relative_to(ROOT)) for file in found or [folder])


def _run(folder: Path, program: str, *arguments: str) -> str:
    result = subprocess.run(
        (_BIN / program, *arguments), cwd=folder, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise Problem(f"{program} failed.\n{result.stdout}{result.stderr}".strip())
    return result.stdout
