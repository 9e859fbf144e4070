"""The baselines as packages, installed as usual: all of each dependency, and bytecode or none."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.canned.items import PRODUCT_ID
from bench.subjects import FLOOR, NAIVE, NAIVE_UNCOMPILED, RESOLVER, Subject, answers
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
    """All of them, packed where they are not."""
    compiled, bare = layers()
    return [
        subject(FLOOR, FLOOR, compiled),
        subject(RESOLVER, RESOLVER, compiled),
        subject(NAIVE, NAIVE, compiled),
        subject(NAIVE_UNCOMPILED, NAIVE, bare),
    ]


def compile_runtime() -> None:
    """The runtime's own bytecode, and the standard library's, as Lambda has them."""
    where = "import sysconfig; print(*{sysconfig.get_path(n) for n in ('stdlib', 'purelib')})"
    found = output(_FAILED, PYTHON, "-c", where).split()
    # Among the standard library's tests are files that no Python can compile.
    command = [str(PYTHON), "-m", "compileall", "-q", "-j", "0", *found]
    subprocess.run(command, capture_output=True, check=False)


def subject(name: str, source: str, layer: Path) -> Subject:
    """The baseline of a source, packed with this layer."""
    return Subject(
        name=name,
        kind="baseline",
        handler="app.handler",
        task=_packed(name, source),
        layer=layer,
        variables=lambda_environment.of_lambda(source, memory=1024, handler="app.handler")
        | VARIABLES,
        event=(ROOT / "events/products-get.json").read_bytes(),
        is_right=answers(id=PRODUCT_ID, price="12.50", stock=60),
    )


def _packed(name: str, source: str) -> Path:
    task = CACHE / "functions" / name.replace(", ", "-").replace(" ", "-")
    shutil.rmtree(task, ignore_errors=True)
    task.mkdir(parents=True)
    for file in (_SOURCES / source / "app.py", _SOURCES / "catalogue.py"):
        shutil.copy(file, task)
    if name != NAIVE_UNCOMPILED:
        compile_packages(task)
    return task


def layers() -> tuple[Path, Path]:
    """The dependencies with bytecode, and without."""
    key = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    compiled, bare = CACHE / f"layers/{key}", CACHE / f"layers/{key}-bare"
    if not bare.exists():
        shutil.rmtree(CACHE / "layers", ignore_errors=True)
        new = bare.with_suffix(".new")
        _install(new / "python")
        shutil.copytree(new, compiled)
        compile_packages(compiled)
        # Last: where it is, all is there.
        new.rename(bare)
    return compiled, bare


def _install(target: Path) -> None:
    output(
        _FAILED,
        *(make_uv(), "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"),
        *("--python", PYTHON, "--target", target, "--requirement", REQUIREMENTS),
    )


def compile_packages(folder: Path) -> None:
    how = ("-q", "-j", "0", "--invalidation-mode", "unchecked-hash")
    output(_FAILED, sys.executable, "-m", "compileall", *how, folder)
