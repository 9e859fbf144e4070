"""A start is changed in Lambda only, and only until the function is ready. tests/layer starts every
function with what its build compiled."""

import gc
import marshal
import os
import re
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import Final

import pytest

from shared.runtime import cold_start
from tools.local.places import APP_PYTHON, ROOT

_START: Final = """
import gc, re
from shared.runtime import cold_start
cold_start.begin()
print(gc.isenabled(), bool(re.compile("a+b").match("aab")))
cold_start.end()
re.purge()
from dataclasses import make_dataclass
print(gc.isenabled(), bool(re.compile("a+b").match("aab")), make_dataclass("P", ["x"])(1))
"""
# What `_sre.compile` takes beside the pattern "a+b": here that of "c".
_CODE: Final = [*map(int, re._compiler._code(re._parser.parse("c"), 0))]  # type: ignore[attr-defined]  # no public name
_ARGUMENTS: Final[tuple[object, ...]] = (0, _CODE, 0, {}, (None,))
_COMPILED: Final = marshal.dumps(({}, {("a+b", 0): _ARGUMENTS}))


@pytest.mark.parametrize(
    ("content", "matches"),
    [
        (MAGIC_NUMBER + _COMPILED, False),
        (b"of another Python" + _COMPILED, True),
        (None, True),
    ],
    ids=["ours", "of another Python", "none"],
)
def test_start_uses_what_the_build_compiled_until_it_ends(
    tmp_path: Path, content: bytes | None, matches: bool
) -> None:
    if content:
        (tmp_path / cold_start.PRECOMPILED).write_bytes(content)
    ended = subprocess.run(
        (APP_PYTHON, "-S", "-c", _START),
        env={
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers/shared"))),
            "AWS_LAMBDA_FUNCTION_NAME": "orders-api",
            "LAMBDA_TASK_ROOT": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.splitlines() == [f"False {matches}", "True True P(x=1)"], ended.stderr


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
