"""A start is changed in Lambda only, and only until the function is ready. tests/layer starts every
function so."""

import gc
import importlib.util
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from shared.runtime import cold_start
from tools.local.places import APP_PYTHON, ROOT

_SERVICE = textwrap.dedent("""
    import gc, re, sys

    compiled = []
    sys.addaudithook(lambda event, what: compiled.append(what[0]) if event == "compile" else None)

    def dataclass_is_compiled():
        from dataclasses import make_dataclass
        before = len(compiled)
        made = make_dataclass("Point", [("x", int), ("y", int)])
        assert made(1, y=2) == made(1, 2) and repr(made(1, 2)) == "Point(x=1, y=2)"
        return any(b"__create_fn__" in (source or b"") for source in compiled[before:])

    def pattern_is_compiled():
        parser, asked = re._parser, []
        parse, parser.parse = parser.parse, lambda *arguments: asked.append(1) or parse(*arguments)
        re.purge()
        found = re.compile(r"(?P<first>a+)(b)?", re.I)
        parser.parse = parse
        assert found.search("xAAb")["first"] == "AA" and found.groups == 2 and found.flags & re.I
        return bool(asked)
""")
_RECORD = (
    _SERVICE
    + """
from tools.layer import precompiled
recorder = precompiled.Recorder()
dataclass_is_compiled(), pattern_is_compiled()
with open(sys.argv[1], "wb") as file:
    file.write(precompiled.packed(recorder))
"""
)
_START = (
    _SERVICE
    + """
from shared.runtime import cold_start
cold_start.begin()
print(gc.isenabled(), dataclass_is_compiled(), pattern_is_compiled())
cold_start.end()
print(gc.isenabled(), gc.get_freeze_count() > 1000, dataclass_is_compiled(), pattern_is_compiled())
"""
)


def _run(code: str, *arguments: str | Path, **variables: str) -> str:
    ended = subprocess.run(
        (APP_PYTHON, "-S", "-c", code, *arguments),
        env={"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers/shared")))} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def precompiled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("recorded") / cold_start.PRECOMPILED
    _run(_RECORD, file)
    return file.read_bytes()


def _started(task_root: Path) -> list[str]:
    printed = _run(_START, AWS_LAMBDA_FUNCTION_NAME="orders-api", LAMBDA_TASK_ROOT=str(task_root))
    return printed.splitlines()


def test_start_compiles_nothing_that_the_build_compiled(precompiled: bytes, tmp_path: Path) -> None:
    (tmp_path / cold_start.PRECOMPILED).write_bytes(precompiled)
    during, _ = _started(tmp_path)
    assert during == "False False False"


def test_python_collects_and_compiles_as_usual_after_the_start(
    precompiled: bytes, tmp_path: Path
) -> None:
    (tmp_path / cold_start.PRECOMPILED).write_bytes(precompiled)
    _, after = _started(tmp_path)
    assert after == "True True True True"


def test_start_works_without_the_file(tmp_path: Path) -> None:
    assert _started(tmp_path) == ["False True True", "True True True True"]


def test_start_ignores_the_file_of_another_python(precompiled: bytes, tmp_path: Path) -> None:
    magic = importlib.util.MAGIC_NUMBER
    assert precompiled.startswith(magic)
    other = bytes([magic[0] ^ 1, *magic[1:]])
    (tmp_path / cold_start.PRECOMPILED).write_bytes(other + precompiled[len(magic) :])
    assert _started(tmp_path) == ["False True True", "True True True True"]


def test_begin_and_end_do_nothing_outside_of_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    frozen = gc.get_freeze_count()
    compile_ = re._compiler.compile  # type: ignore[attr-defined]  # where it would be replaced
    cold_start.begin()
    assert gc.isenabled()
    cold_start.end()
    assert gc.get_freeze_count() == frozen
    assert re._compiler.compile is compile_  # type: ignore[attr-defined]  # see above
    assert "exec" not in vars(sys.modules["dataclasses"])
