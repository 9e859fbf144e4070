"""The baselines as packages, installed as usual: all of each dependency, with bytecode."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.canned.items import PRODUCT_ID
from bench.subjects import FLOOR, LEAN, NAIVE, RESOLVER, Subject, answers
from tools import lambda_environment
from tools.commands import output
from tools.environments import make_uv
from tools.local.places import ROOT

PYTHON: Final = ROOT / ".tools/runtime/bin/python"
CACHE: Final = ROOT / ".cache/bench"
_FAILED: Final = "The baselines could not be packed."
_SOURCES: Final = ROOT / "bench/baselines"
# What the shop's own layer has, in the same versions.
REQUIREMENTS: Final = ROOT / "layers/shared/requirements.txt"
VARIABLES: Final = {
    "TABLE_NAME": "ProductsTable",
    "CURRENCY": "EUR",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_METRICS_NAMESPACE": "Bench",
    "POWERTOOLS_SERVICE_NAME": "products",
}


def baselines() -> list[Subject]:
    """All of them, packed anew."""
    dependencies = layer()
    return [subject(name, dependencies) for name in (FLOOR, RESOLVER, LEAN, NAIVE)]


def compile_runtime() -> None:
    """The runtime's own bytecode, and the standard library's, as Lambda has them."""
    where = "import sysconfig; print(*{sysconfig.get_path(n) for n in ('stdlib', 'purelib')})"
    found = output(_FAILED, PYTHON, "-c", where).split()
    # Among the standard library's tests are files that no Python can compile.
    command = [str(PYTHON), "-m", "compileall", "-q", "-j", "0", *found]
    subprocess.run(command, capture_output=True, check=False)


def subject(name: str, layer: Path) -> Subject:
    """A baseline, packed with this layer."""
    return Subject(
        name=name,
        kind="baseline",
        handler="app.handler",
        task=_packed(name),
        layer=layer,
        variables=lambda_environment.of_lambda(name, memory=1024, handler="app.handler")
        | VARIABLES,
        event=(ROOT / "events/products-get.json").read_bytes(),
        is_right=answers(id=PRODUCT_ID, price="12.50", stock=60),
    )


def _packed(name: str) -> Path:
    task = CACHE / "functions" / name
    shutil.rmtree(task, ignore_errors=True)
    task.mkdir(parents=True)
    for file in (_SOURCES / name / "app.py", _SOURCES / "catalogue.py"):
        shutil.copy(file, task)
    compile_packages(task)
    return task


def layer() -> Path:
    """Their dependencies, with bytecode."""
    key = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = CACHE / f"layers/{key}"
    if not folder.exists():
        shutil.rmtree(CACHE / "layers", ignore_errors=True)
        new = folder.with_suffix(".new")
        _install(new / "python")
        compile_packages(new)
        # Last: where it is, all is there.
        new.rename(folder)
    return folder


def _install(target: Path) -> None:
    output(
        _FAILED,
        *(make_uv(), "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"),
        *("--python", PYTHON, "--target", target, "--requirement", REQUIREMENTS),
    )


def compile_packages(folder: Path) -> None:
    how = ("-q", "-j", "0", "--invalidation-mode", "unchecked-hash")
    output(_FAILED, sys.executable, "-m", "compileall", *how, folder)
