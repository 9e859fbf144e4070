"""What each change makes of a library, and what the build says when a library is no longer as a
change expects it."""

import ast
import shutil
import ssl
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import botocore
import pytest

from tests.layer import packages
from tools.layer import bytecode, certificates, deferred_imports, own_libraries, sdk_data, stand_ins
from tools.layer.changes import LibraryChanged
from tools.layer.slim import slim
from tools.local.places import APP_PYTHON

_BUNDLE: Final = Path(botocore.__file__).parent / "cacert.pem"
_SAMPLE: Final = '''
from __future__ import annotations
from dataclasses import dataclass
from typing import overload
from pydantic import BaseModel, Field

@dataclass(frozen=True)
class Point:
    """A dataclass."""
    x: int
    y: int = 2

class Product(BaseModel):
    """A model."""
    name: str = Field(min_length=2)

@overload
def double(value: int) -> int: ...
@overload
def double(value: str) -> str: ...
def double(value: int | str) -> int | str:
    """Twice the value."""
    return value * 2

def scaled(value: int, /, by: int = 3, *more: int, plus: int = 1, **rest: int) -> list[int]:
    """Every kind of parameter."""
    return [value * by + plus, *more, *rest.values()]

def nothing() -> None:
    """Only a docstring."""

def text() -> str:
    return """Not a docstring."""

def fail() -> float:
    return 1 / 0

RESULTS = [Point(1), Product(name="mug"), double("a"), scaled(2, 4, 5, last=9), nothing(), text()]
'''


def _run(tree: ast.Module, name: str) -> dict[str, Any]:
    module = ModuleType(name)
    with pytest.MonkeyPatch.context() as patch:
        # Dataclasses and models look their module up.
        patch.setitem(sys.modules, name, module)
        exec(compile(tree, f"{name}.py", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def test_slim_module_gives_the_same_results_without_docstrings_and_annotations() -> None:
    original, slimmed = (
        _run(tree, "sample") for tree in (ast.parse(_SAMPLE), slim(ast.parse(_SAMPLE)))
    )
    assert repr(slimmed["RESULTS"]) == repr(original["RESULTS"])
    functions = [slimmed["nothing"], slimmed["double"], slimmed["scaled"]]
    assert {(f.__doc__, *f.__annotations__) for f in functions} == {(None,)}
    assert slimmed["Point"].__annotations__ == {"x": "int", "y": "int"}


def test_slim_resource_of_stripe_keeps_what_runs_of_its_fields() -> None:
    source = """
from dataclasses import dataclass
from typing import ClassVar, Optional, TypedDict
class Resource:
    NAME: ClassVar[str] = "resource"
    class Part:
        amount: Optional[int]
@dataclass
class Options:
    key: str
class Params(TypedDict):
    key: str
"""
    module = _run(slim(ast.parse(source), "stripe/_resource.py"), "resource")
    assert module["Resource"].NAME == "resource"
    assert not module["Resource"].Part.__annotations__
    assert module["Options"]("a").key == "a"
    assert "key" in module["Params"].__annotations__


def test_traceback_of_a_slim_module_names_the_line_of_the_source() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        _run(slim(ast.parse(_SAMPLE)), "sample")["fail"]()
    line = traceback.extract_tb(raised.tb)[-1].lineno
    assert line
    assert _SAMPLE.splitlines()[line - 1].strip() == "return 1 / 0"


def test_deferred_import_happens_in_the_functions_that_use_it() -> None:
    source = "import html\ndef used(x):\n    return html.escape(x)\ndef other():\n    return 1\n"
    module = _run(deferred_imports.defer("a.py", ast.parse(source), "html"), "deferring")
    assert module["used"]("<") == "&lt;"
    assert "html" not in module


def test_python_imports_the_bytecode_without_a_source(tmp_path: Path) -> None:
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "sample.py").write_text("def f(): pass\nprint(f.__code__.co_filename)\n")
        bytecode.compile_folder(folder, compiled_for="/opt/python")
        assert [file.name for file in folder.iterdir()] == ["sample.pyc"]
        made.append((folder / "sample.pyc").read_bytes())
    assert made[0] == made[1]
    command = (APP_PYTHON, "-S", "-c", "import sample")
    environment = {"PYTHONPATH": str(tmp_path / "a")}
    printed = subprocess.check_output(command, env=environment, text=True)
    assert printed == "/opt/python/sample.py\n"


def test_sdk_trusts_the_certificate_authorities_of_aws_and_no_others(tmp_path: Path) -> None:
    bundle = tmp_path / "cacert.pem"
    shutil.copyfile(_BUNDLE, bundle)
    certificates.prune(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    subjects = [str(authority["subject"]) for authority in context.get_ca_certs()]
    assert len(subjects) == len(certificates.ROOTS)
    assert all(any(root in subject for subject in subjects) for root in certificates.ROOTS)
    shipped = _BUNDLE.read_text()
    assert all(pem.partition("\n")[2] in shipped for pem in bundle.read_text().split("# ")[1:])


@pytest.mark.parametrize("path", deferred_imports.DEFERRED)
def test_each_deferred_import_is_still_there(path: str) -> None:
    source = dict(packages.installed())[path].read_text()
    deferred_imports.defer_all(path, slim(ast.parse(source)), Path())


def _prune_empty_service(folder: Path) -> None:
    for service in sdk_data.OPERATIONS:
        version = folder / service / "2026-01-01"
        version.mkdir(parents=True)
        model = '{"metadata": {"serviceId": "X"}, "operations": {}, "shapes": {}}'
        (version / "service-2.json").write_text(model)
    sdk_data.prune(folder)


def _prune_bundle_without(folder: Path) -> None:
    bundle = folder / "cacert.pem"
    bundle.write_text(_BUNDLE.read_text().replace("Amazon Root CA 3", "Amazon Root CA 33"))
    certificates.prune(bundle)


def _defer(source: str) -> Callable[[Path], object]:
    return lambda _: deferred_imports.defer("lib/a.py", ast.parse(source), "html")


_BROKEN: Final[dict[str, tuple[str, Callable[[Path], object]]]] = {
    "a module that was left out is gone": ("stand_ins", stand_ins.replace),
    "a folder of a function's own library is gone": ("own_libraries", own_libraries.make),
    "a service is gone": ("sdk_data", sdk_data.prune),
    "an operation is gone": ("sdk_data", _prune_empty_service),
    "a list of event handlers is gone": (
        "sdk_data",
        lambda _: sdk_data.without_other_services("botocore/handlers.py", ast.parse("A = []")),
    ),
    "a certificate has another name": ("certificates", _prune_bundle_without),
    "an import is gone": ("deferred_imports", _defer("import json")),
    "an import is used at once": ("deferred_imports", _defer("import html\nhtml.escape('')")),
    "anyio's lazy imports are gone": (
        "deferred_imports",
        lambda folder: deferred_imports.defer_all("anyio/_lazyimport.py", ast.parse(""), folder),
    ),
}


@pytest.mark.parametrize("broken", _BROKEN)
def test_build_names_the_change_that_an_upgrade_breaks(broken: str, tmp_path: Path) -> None:
    change, build = _BROKEN[broken]
    with pytest.raises(LibraryChanged) as raised:
        build(tmp_path)
    assert (
        f"correct tools/layer/{change}.py (see docs/cold-starts.md), or build with LAYER=plain"
        in str(raised.value)
    )
    assert (Path(bytecode.__file__).parent / f"{change}.py").exists()
