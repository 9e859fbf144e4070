"""The libraries work with the modules that tools/layer/stand_ins.py leaves out or replaces."""

import os
import subprocess
from typing import Final

import grimp
import pytest

from tests.layer import packages
from tools.layer.stand_ins import LEFT_OUT, MODULES
from tools.local.places import APP_PYTHON

_LIBRARIES: Final = ("boto3", "botocore", "fastapi", "pydantic", "s3transfer", "starlette")
# These import a module that is left out, and no function loads or calls them.
_UNUSED: Final = {
    "boto3.crt": "moves files to and from S3",
    "boto3.dynamodb.transform": "belongs to boto3's resources",
    "boto3.resources.action": "belongs to boto3's resources",
    "boto3.resources.collection": "belongs to boto3's resources",
    "boto3.s3.transfer": "moves files to and from S3",
    "starlette.middleware.opentelemetry": "a middleware that no API adds",
}
# These import one inside a function.
_GUARDED: Final = {
    "fastapi._compat.shared": "catches the ImportError",
    "fastapi.applications": "at the events of ASGI's lifespan, which Mangum does not send",
    "pydantic._internal._generate_schema": "for models of pydantic's first version only",
}


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


_REPLACED: Final = {_module(str(file.relative_to(MODULES))) for file in MODULES.rglob("*.py")}
_LEFT_OUT: Final = tuple(f"{_module(path)}." for path in LEFT_OUT)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        *_LIBRARIES,
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )


def _importers(graph: grimp.ImportGraph, module: str) -> set[str]:
    """The modules of the layer that import it."""
    found = graph.find_modules_that_directly_import(module)
    return {one for one in found - _REPLACED if not f"{one}.".startswith(_LEFT_OUT)}


def test_only_unused_modules_import_what_is_left_out(graph: grimp.ImportGraph) -> None:
    left_out = {module for module in graph.modules if f"{module}.".startswith(_LEFT_OUT)}
    importers = {one for module in left_out - _REPLACED for one in _importers(graph, module)}
    assert importers == _UNUSED.keys() | _GUARDED.keys(), (
        "a library imports a module that tools/layer/stand_ins.py leaves out"
    )


def test_modules_that_import_a_stand_in_load_with_it(graph: grimp.ImportGraph) -> None:
    importers = {module: _importers(graph, module) for module in _REPLACED}
    unused = {module for module, found in importers.items() if not found}
    unused.discard("botocore.docs")  # its stand-in is the empty package of the next one
    assert not unused, "no library imports this: see tools/layer/stand_ins.py"
    modules = sorted(set().union(*importers.values()) - _UNUSED.keys())
    ended = subprocess.run(
        (APP_PYTHON, "-S", "-c", f"import {', '.join(modules)}"),
        env={"PYTHONPATH": os.fspath(packages.layer())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"see tools/layer/stand_ins/: {ended.stderr}"
