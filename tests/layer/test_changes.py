"""What each change makes of a library, and what the build says when a library is no longer as a
change expects it."""

import ast
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import botocore
import pytest

from tests.layer import packages
from tools.layer import bytecode, certificates, deferred_imports, sdk_data, stand_ins
from tools.layer.changes import LibraryChanged
from tools.layer.slim import slim
from tools.local.places import APP_PYTHON

_BUNDLE: Final = Path(botocore.__file__).parent / "cacert.pem"


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
