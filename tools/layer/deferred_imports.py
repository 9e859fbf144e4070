"""Change `deferred_imports`: a slow import moves from the top of a module into the functions that
use it.

Bodega calls none of these functions, or seldom.
"""

import ast
import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tools.layer.changes import LibraryChanged

DEFERRED: Final = {
    "jwt/algorithms.py": "cryptography.x509",
    "pydantic/networks.py": "importlib.metadata",
    "urllib3/http2/__init__.py": "importlib.metadata",
}
_ANYIO: Final = "anyio/_lazyimport.py"
_ANYIO_FUNCTION: Final = "_build_lazy_map"
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def defer_all(path: str, tree: ast.Module, folder: Path) -> ast.Module:
    """The module of a library without the imports that can wait.

    Raises:
        LibraryChanged: the module has no such import, or needs it when it is loaded.
    """
    if path == _ANYIO:
        return without_reading_sources(tree, folder)
    return defer(path, tree, DEFERRED[path]) if path in DEFERRED else tree


def defer(path: str, tree: ast.Module, module: str) -> ast.Module:
    """Move one import; the module's annotations of functions must be gone."""
    found = [node for node in ast.walk(tree) if module in _imported(node)]
    if len(found) != 1:
        raise LibraryChanged("deferred_imports", path, f"imports {module} {len(found)} times")
    statement = found[0]
    assert isinstance(statement, ast.Import | ast.ImportFrom)
    names = {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    for block in ast.walk(tree):
        body = getattr(block, "body", None)
        if isinstance(body, list) and statement in body:
            body.remove(statement)
    if names & _used(_run_at_import(tree)):
        raise LibraryChanged("deferred_imports", path, f"uses {module} when it is loaded")
    for function in [node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]:
        if names & _used(ast.walk(function)):
            function.body.insert(0, statement)
    return tree


def _imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports; `from a import b` may import the module `a.b`."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _used(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _run_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """All but the bodies of functions, and annotations, which Python does not evaluate in these
    modules."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, _FUNCTIONS):
            defaults = (*node.args.defaults, *node.args.kw_defaults)
            waiting += [*node.decorator_list, *(default for default in defaults if default)]
        else:
            annotation = getattr(node, "annotation", None)
            waiting += [child for child in ast.iter_child_nodes(node) if child is not annotation]


def without_reading_sources(tree: ast.Module, folder: Path) -> ast.Module:
    """anyio defers imports by itself, and reads its own sources to know which. The layer has no
    sources: the result is computed here, and its function returns it."""
    found = [node for node in tree.body if getattr(node, "name", "") == _ANYIO_FUNCTION]
    if len(found) != 1 or not isinstance(function := found[0], ast.FunctionDef):
        raise LibraryChanged("deferred_imports", _ANYIO, f"has no {_ANYIO_FUNCTION}")
    compute = getattr(importlib.import_module("anyio._lazyimport"), _ANYIO_FUNCTION)
    packages = [
        "anyio",
        *(
            f"anyio.{init.parent.name}"
            for init in sorted(folder.glob("anyio/*/__init__.py"))
            if "install_lazy_importer()" in init.read_text()
        ),
    ]
    results = {name: compute(importlib.import_module(name)) for name in packages}
    function.body = ast.parse(f"return {results!r}[module.__name__]").body
    return tree
