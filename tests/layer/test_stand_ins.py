"""What stands in for modules that are left out of the layer has what others import from them."""

import ast
from functools import cache
from typing import Final

import pytest

from tests.layer import imports
from tests.layer.imports import Import, module_of
from tools.layer.__main__ import LEFT_OUT, STAND_INS

# Who imports what is left out, but is not loaded itself.
NOT_LOADED: Final = {
    "boto3/crt.py": "moves files to and from S3",
    "boto3/dynamodb/transform.py": "is of boto3's resources",
    "boto3/resources/action.py": "is of boto3's resources",
    "boto3/resources/collection.py": "is of boto3's resources",
    "boto3/s3/transfer.py": "moves files to and from S3",
    "starlette/middleware/opentelemetry.py": "is a middleware that nobody adds",
}
# Who does so in a function, and when.
_NOT_REACHED: Final = {
    "fastapi/_compat/shared.py": "always, and is content without pydantic's first version",
    "fastapi/applications.py": "at an application's start and end, of which Mangum is told to say nothing",
    "pydantic/_internal/_generate_schema.py": "for types of pydantic's first version",
}
_FILES: Final = {file.relative_to(STAND_INS).as_posix(): file for file in STAND_INS.rglob("*.py")}
_MODULES: Final = {module_of(path): file for path, file in _FILES.items()}


@cache
def _imports() -> list[Import]:
    """Those of what is in the layer, from what is not or is not itself."""
    gone = {module_of(f"{path}.py") for path in LEFT_OUT}
    return [
        found
        for found in imports.of_what_names(
            {module.rpartition(".")[2] for module in (*gone, *_MODULES)}
        )
        if found.by not in _FILES
        and not found.by.startswith(tuple(f"{path}/" for path in LEFT_OUT))
        and ({found.module, found.full} & _MODULES.keys() or _is_under(found.full, gone))
    ]


def _is_under(name: str, packages: set[str]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def _offered(module: str) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(_MODULES[module].read_bytes()).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                names.add(name)
            case ast.ImportFrom(names=imported):
                names.update(alias.asname or alias.name for alias in imported)
    return names


@pytest.mark.parametrize("module", _MODULES)
def test_a_stand_in_has_every_name_that_others_import(module: str) -> None:
    offered = _offered(module)
    wanted = {
        (found.name, found.by)
        for found in _imports()
        if found.module == module and found.full not in _MODULES and found.by not in NOT_LOADED
    }
    assert wanted or module == "botocore.docs"
    missing = {(name, by) for name, by in wanted if name not in offered}
    assert "__getattr__" in offered or not missing


@pytest.mark.parametrize("module", _MODULES)
def test_a_stand_in_is_for_a_module_that_somebody_imports(module: str) -> None:
    """Else an upgrade has moved what it stands in for."""
    assert any(_is_under(found.full, {module}) for found in _imports())


def test_what_is_left_out_is_imported_by_nobody_but_those_who_do_not_run() -> None:
    importers = {
        found.by
        for found in _imports()
        if found.module not in _MODULES and found.full not in _MODULES
    }
    assert importers == NOT_LOADED.keys() | _NOT_REACHED.keys()
