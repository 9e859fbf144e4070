"""Makes a function start faster, in Lambda only. docs/cold-starts.md explains it.

The package of each service calls `begin` before it imports anything else, and shared.runtime.entry
calls `end`. Between them:

- the garbage collector is off, because nearly all that is loaded stays; afterwards it ignores what
  was loaded (`gc.freeze`);
- dataclasses and regular expressions use what tools/layer/precompiled.py compiled when the function
  was built.

`begin` also wakes the functions that the variable `WAKES` names, comma-separated, if a request has
started this environment: one that is kept ready, or of which a snapshot is taken, starts long
before a request. Without the variable nothing is woken.
"""

import gc
import importlib.util
import marshal
import os
import re
from collections.abc import Callable
from types import CodeType
from typing import Any, Final

PRECOMPILED: Final = "precompiled.bin"
"""The file in a function's package: Python's magic number, then two marshalled dicts. One maps
source to marshalled code, the other maps a pattern and its flags to the other arguments of
`_sre.compile`."""

_compiler: Any = re._compiler  # type: ignore[attr-defined]  # noqa: SLF001  # no public name leads to it
_compile_pattern: Final = _compiler.compile


def is_lambda() -> bool:
    """Whether this process is a Lambda execution environment, and not a test or a tool."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def begin() -> None:
    """Start the init phase. Does nothing outside of Lambda."""
    if not is_lambda():
        return
    gc.disable()
    _use(*_read(os.environ.get("LAMBDA_TASK_ROOT", "")))
    functions = os.environ.get("WAKES")
    if functions and os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "on-demand":
        # After the replacements: its imports compile patterns. The SDK would import the same later.
        from shared.runtime import waking

        waking.wake(functions.split(","))


def end() -> None:
    """End the init phase: from here on Python collects garbage and compiles as usual."""
    if gc.isenabled():
        return
    import dataclasses

    vars(dataclasses).pop("exec", None)
    _compiler.compile = _compile_pattern
    gc.freeze()
    gc.enable()


def _read(task_root: str) -> tuple[dict[str, bytes], dict[tuple[str | bytes, int], Any]]:
    try:
        with open(f"{task_root}/{PRECOMPILED}", "rb") as file:  # noqa: PTH123  # pathlib would be a slow import
            content = file.read()
    except FileNotFoundError:
        return {}, {}  # built with LAYER=plain
    magic = importlib.util.MAGIC_NUMBER
    # Code and patterns are usable by one version of Python only.
    return marshal.loads(content[len(magic) :]) if content.startswith(magic) else ({}, {})  # noqa: S302  # our package


def _use(sources: dict[str, bytes], patterns: dict[tuple[str | bytes, int], Any]) -> None:
    """Replace the functions that compile with functions that look the source up first."""

    def execute(source: str, globals_: dict[str, Any], locals_: dict[str, Any]) -> None:
        found = sources.get(source)
        code: str | CodeType = marshal.loads(found) if found else source  # noqa: S302  # our own package
        exec(code, globals_, locals_)  # noqa: S102  # as dataclasses would

    def compile_(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        found = patterns.get((pattern, flags)) if isinstance(pattern, str | bytes) else None
        if found is None:
            return _compile_pattern(pattern, flags)  # type: ignore[no-any-return]
        return _sre_compile(pattern, *found)

    _sre_compile: Callable[..., re.Pattern[Any]] = _compiler._sre.compile  # noqa: SLF001  # see above
    _compiler.compile = compile_

    import dataclasses  # after the replacement above: it compiles patterns too

    dataclasses.exec = execute  # type: ignore[attr-defined]  # found before the built-in one
