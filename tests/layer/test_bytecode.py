"""What is compiled without docstrings and annotations does the same."""

import ast
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.layer import packages
from tools.layer import bytecode
from tools.layer.changes import Change
from tools.local.places import APP_PYTHON

SAMPLE = textwrap.dedent('''
    """A module."""

    from __future__ import annotations

    from dataclasses import dataclass, fields
    from functools import cache
    from typing import NamedTuple, TypedDict, overload

    from pydantic import BaseModel, Field, field_validator


    @dataclass(frozen=True)
    class Point:
        """Where."""

        x: int
        y: int = 2


    class Pair(NamedTuple):
        first: int
        second: str = "b"


    class Options(TypedDict, total=False):
        """What may be asked."""

        limit: int


    class Product(BaseModel):
        """For sale."""

        name: str = Field(min_length=2)
        stock: int = 0

        @field_validator("name")
        @classmethod
        def _tidy(cls, value: str) -> str:
            """Without spaces around it."""
            return value.strip()


    class Outer:
        class Inner:
            """Only a docstring."""

        def method(self, *, loud: bool = False) -> str:
            """Says something."""
            return "HI" if loud else "hi"

        @staticmethod
        def nothing() -> None:
            """Does nothing."""

        @property
        def size(self) -> int:
            """Of it."""
            return 3


    @overload
    def double(value: int) -> int: ...
    @overload
    def double(value: str) -> str: ...
    def double(value: int | str) -> int | str:
        """Twice."""
        return value * 2


    @cache
    def scaled(value: int, /, by: int = 3, *more: int, plus: int = 1, **rest: int) -> list[int]:
        """With every kind of parameter."""
        return [value * by + plus, *more, *rest.values()]


    async def later(value: int) -> int:
        """Not yet."""
        return value


    def numbers(until: int):
        """A generator."""
        yield from range(until)


    def text() -> str:
        return """Not a docstring."""


    def answers():
        try:
            later(1).send(None)
        except StopIteration as done:
            awaited = done.value
        return [
            repr(Point(1)), [field.name for field in fields(Point)], Pair(1), sorted(Options.__annotations__),
            Options(limit=3), Product(name=" mug ").model_dump(), Product.model_json_schema()["properties"],
            Outer().method(), Outer().method(loud=True), Outer.nothing(), Outer().size, Outer.Inner.__name__,
            double(2), double("a"), scaled(2), scaled(2, 4, 5, plus=0, last=9), awaited, list(numbers(3)), text(),
            scaled.__name__, Product.model_fields["name"].is_required(),
        ]
''')  # fmt: skip


def _run(tree: ast.Module, name: str) -> dict[str, Any]:
    module = ModuleType(name)
    with pytest.MonkeyPatch.context() as patch:
        # Dataclasses and models look their module up.
        patch.setitem(sys.modules, name, module)
        exec(compile(tree, f"{name}.py", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


@pytest.fixture(scope="module")
def slimmed() -> dict[str, Any]:
    return _run(bytecode.slim(ast.parse(SAMPLE)), "sample")


def test_slimmed_code_gives_the_same_answers(slimmed: dict[str, Any]) -> None:
    whole = _run(ast.parse(SAMPLE), "sample")
    answers = slimmed["answers"]()
    assert len(answers) > 20
    assert str(answers) == str(whole["answers"]()).replace("'description': 'For sale.'", "")


def test_docstrings_and_annotations_of_functions_are_gone(slimmed: dict[str, Any]) -> None:
    assert slimmed["__doc__"] is None
    for function in (slimmed["text"], slimmed["double"], slimmed["Outer"].method, slimmed["later"]):
        assert (function.__doc__, function.__annotations__) == (None, {})


def test_annotations_of_classes_stay(slimmed: dict[str, Any]) -> None:
    assert slimmed["Point"].__annotations__ == {"x": "int", "y": "int"}
    assert slimmed["Product"].__annotations__ == {"name": "str", "stock": "int"}


def test_a_named_tuple_and_a_typed_dict_keep_the_names_of_their_fields(
    slimmed: dict[str, Any],
) -> None:
    """Their types are texts here; Python would compile each."""
    assert slimmed["Pair"]._fields == ("first", "second")
    assert slimmed["Pair"]._field_defaults == {"second": "b"}
    assert slimmed["Options"].__optional_keys__ == {"limit"}
    assert set(slimmed["Options"].__annotations__.values()) == {type(None)}


def test_types_that_are_no_texts_stay() -> None:
    """Whether a key is required may stand in them."""
    source = (
        "from typing import Required, TypedDict\n"
        "class Options(TypedDict, total=False):\n    limit: Required[int]\n"
    )
    module = _run(bytecode.slim(ast.parse(source)), "evaluated")
    assert module["Options"].__required_keys__ == {"limit"}


def test_a_dataclass_has_a_docstring_so_that_python_writes_none(slimmed: dict[str, Any]) -> None:
    """Python writes the signature of one that has none, and takes its time."""
    assert slimmed["Point"].__doc__ == "."


def test_overloads_are_left_out() -> None:
    functions = ast.walk(bytecode.slim(ast.parse(SAMPLE)))
    names = [node.name for node in functions if isinstance(node, ast.FunctionDef)]
    assert names.count("double") == 1


def test_a_module_of_types_keeps_its_classes_without_their_annotations() -> None:
    source = "from typing import TypedDict\nclass Options(TypedDict):\n    limit: int\n"
    module = _run(bytecode.slim(ast.parse(source), types_only=True), "types_only")
    assert module["Options"].__annotations__ == {}
    assert module["Options"](limit=3) == {"limit": 3}


def test_a_traceback_names_the_line_of_the_source() -> None:
    source = (
        '"""A module."""\n\n\ndef fail(a: int) -> int:\n    """Fails."""\n\n    return a // 0\n'
    )
    with pytest.raises(ZeroDivisionError) as raised:
        _run(bytecode.slim(ast.parse(source)), "failing")["fail"](1)
    assert traceback.extract_tb(raised.tb)[-1].lineno == 7


def test_a_deferred_import_happens_in_the_functions_that_use_it() -> None:
    source = (
        "import html\n\ndef used(x):\n    return html.escape(x)\n\ndef other():\n    return 1\n"
    )
    module = _run(bytecode.defer(ast.parse(source), "html"), "deferring")
    assert "html" not in module
    assert module["used"]("<") == "&lt;"
    assert "html" not in module["other"].__code__.co_names
    assert "html" not in module


def test_an_import_that_is_no_longer_there_stops_the_build() -> None:
    """An upgrade that moves it is noticed, and somebody looks whether it is still worth deferring."""
    with pytest.raises(ValueError, match="not enough values"):
        bytecode.defer(ast.parse("import json"), "html")


def test_an_import_that_a_module_itself_uses_cannot_be_deferred() -> None:
    with pytest.raises(ValueError, match="html"):
        bytecode.defer(ast.parse("import html\n\nLESS = html.escape('<')\n"), "html")


@pytest.mark.parametrize("path", bytecode.DEFERRED)
def test_each_deferred_import_is_still_one_that_a_module_begins_with(path: str) -> None:
    source = dict(packages.installed())[path].read_text()
    for module in bytecode.DEFERRED[path]:
        deferred = bytecode.slim(ast.parse(source), types_only=path == bytecode.TYPES_ONLY)
        bytecode.defer(deferred, module)
        assert module not in {
            name
            for node in deferred.body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in bytecode._imported(node)
        }


def _written(folder: Path, source: str, *left_out: Change) -> Path:
    (folder / "package").mkdir()
    (folder / "package/__init__.py").write_text(source)
    changes = frozenset(Change) - set(left_out)
    bytecode.compile_folder(folder, compiled_for="/opt/python", changes=changes)
    return folder / "package/__init__.pyc"


def test_python_takes_the_bytecode_without_a_source(tmp_path: Path) -> None:
    file = _written(
        tmp_path, '"""Ours."""\ndef f():\n    pass\nprint(__doc__, f.__code__.co_filename)\n'
    )
    assert not file.with_suffix(".py").exists()
    ended = subprocess.run(
        (APP_PYTHON, "-S", "-c", "import package"),
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "None /opt/python/package/__init__.py\n", ended.stderr


def test_the_same_sources_give_the_same_bytecode(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        files.append(_written(tmp_path / name, SAMPLE))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_docstrings_stay_where_slimming_is_left_out(tmp_path: Path) -> None:
    assert b"With every kind" in _written(tmp_path, SAMPLE, Change.SLIM).read_bytes()
