"""anyio loads its parts when they are asked for, and finds out what they are by reading its own source; the layer has none.

So the answer is written down when the layer is built. Without it all of anyio is loaded, also what is for files, sockets and
processes that nobody here opens with it.
"""

import ast
import importlib
from pathlib import Path
from typing import Final

SOURCE: Final = "anyio/_lazyimport.py"
_FUNCTION: Final = "_build_lazy_map"


def answered(module: ast.Module, folder: Path) -> ast.Module:
    """anyio's `_lazyimport`, whose function gives the answer for each of the packages that will ask.

    Args:
        folder: where anyio is installed.
    """
    reader = getattr(importlib.import_module("anyio._lazyimport"), _FUNCTION)
    answers = {
        name: reader(importlib.import_module(name))
        for name in ("anyio", *_subpackages(folder / "anyio"))
    }
    found = [
        node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == _FUNCTION
    ]
    [function] = found
    function.body = ast.parse(f"return {answers!r}[module.__name__]").body
    return module


def _subpackages(anyio: Path) -> list[str]:
    return [
        f"anyio.{init.parent.name}"
        for init in sorted(anyio.glob("*/__init__.py"))
        if "install_lazy_importer()" in init.read_text()
    ]
