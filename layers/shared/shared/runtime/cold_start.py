"""What makes a function ready sooner: every service's package begins it, before anything else is imported.

It happens in Lambda only, and gains (docs/benchmarks.md has the figures):

- Garbage is not collected while modules load, of which nearly all stays; what has stayed is never looked through again.
- What Python would compile anew in each start was compiled when the function was built (`tools/layer/generated.py`): the
  source that dataclasses write for their methods, and regular expressions; ours, the libraries' and Python's own.
"""

import gc
import importlib.util
import marshal
import os
import re
from collections.abc import Callable
from types import CodeType
from typing import Any, Final

GENERATED: Final = "generated.bin"
"""The file in a function's package: Python's magic number, then two marshalled dicts. One leads from source to marshalled
code, the other from a pattern and its flags to what `_sre.compile` takes with it."""

_compiler: Any = re._compiler  # type: ignore[attr-defined]  # noqa: SLF001  # no public name leads to it
_compile_pattern: Final = _compiler.compile


def is_lambda() -> bool:
    """Whether this process is a function's environment, and not a test or a tool."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def begin() -> None:
    """Start the init phase; nothing anywhere but in Lambda."""
    if not is_lambda():
        return
    gc.disable()
    _use(*_read(os.environ.get("LAMBDA_TASK_ROOT", "")))


def end() -> None:
    """The function is built: what is here now stays, and what comes is compiled as ever."""
    if gc.isenabled():
        return
    import dataclasses

    vars(dataclasses).pop("exec", None)
    _compiler.compile = _compile_pattern
    gc.freeze()
    gc.enable()


def _read(task_root: str) -> tuple[dict[str, bytes], dict[tuple[str | bytes, int], Any]]:
    try:
        with open(f"{task_root}/{GENERATED}", "rb") as file:  # noqa: PTH123  # pathlib would be a slow import
            content = file.read()
    except FileNotFoundError:
        return {}, {}
    magic = importlib.util.MAGIC_NUMBER
    # Of another version of Python, neither code nor patterns can be used.
    return marshal.loads(content[len(magic) :]) if content.startswith(magic) else ({}, {})  # noqa: S302  # our package


def _use(sources: dict[str, bytes], patterns: dict[tuple[str | bytes, int], Any]) -> None:
    """Put what is compiled in the way of the modules that would compile it: they call these by a global name."""

    def execute(source: str, globals_: dict[str, Any], locals_: dict[str, Any]) -> None:
        found = sources.get(source)
        code: str | CodeType = marshal.loads(found) if found else source  # noqa: S302  # our own package
        exec(code, globals_, locals_)  # noqa: S102  # as the module itself would

    def compile_(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        found = patterns.get((pattern, flags)) if isinstance(pattern, str | bytes) else None
        if found is None:
            return _compile_pattern(pattern, flags)  # type: ignore[no-any-return]
        return _sre_compile(pattern, *found)

    _sre_compile: Callable[..., re.Pattern[Any]] = _compiler._sre.compile  # noqa: SLF001  # see above
    _compiler.compile = compile_

    import dataclasses  # which has patterns of its own

    dataclasses.exec = execute  # type: ignore[attr-defined]  # found before the built-in one
