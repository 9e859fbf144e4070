"""Compiles packages to bytecode that holds only what runs: no docstrings, no annotations of functions, no overloads.

Those are for readers and type checkers, and yet each cold start would read and evaluate them: each parameter of FastAPI's
is `Annotated[…, Doc("…")]`, with its manual. Annotations of classes stay where dataclasses and pydantic's models are made of
them; so do line numbers, because tracebacks are. Only for dependencies: FastAPI reads the annotations of our routes.
"""

import ast
import importlib.util
import marshal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tools.layer import lazy_anyio, sdk_data
from tools.layer.changes import ALL, Change

# Seventy-eight TypedDicts, which describe to type checkers what functions of this module return: making one
# compiles each of its annotations.
TYPES_ONLY: Final = "pydantic_core/core_schema.py"
# Imports that are moved into the functions that use them, because none of those is called here, or seldom: what reads
# packages' metadata loads what reads zip files, forms load temporary files, times in XML load calendars.
DEFERRED: Final = {
    "botocore/utils.py": ("dateutil.parser",),
    "jwt/algorithms.py": ("cryptography.x509",),
    "pydantic/networks.py": ("importlib.metadata",),
    "pydantic_core/core_schema.py": ("fractions",),
    "starlette/formparsers.py": ("tempfile",),
    "starlette/middleware/errors.py": ("html",),
    "urllib3/http2/__init__.py": ("importlib.metadata",),
    "wrapt/importer.py": ("importlib.metadata",),
}
# Flags of a .pyc that is checked by its source's hash, and that is not checked at all (PEP 552).
_UNCHECKED: Final = (1).to_bytes(4, "little")
# Not empty: for a dataclass without one, Python makes a docstring of its signature, and takes its time.
_DOCSTRING: Final = "."
# Of these classes only the names of the fields are for use. Where annotations are texts, each would be compiled.
_NAMES_ONLY: Final = {"NamedTuple", "TypedDict"}
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def compile_folder(folder: Path, *, compiled_for: str, changes: frozenset[Change] = ALL) -> None:
    """Put a `.pyc` in the place of every `.py`.

    Args:
        compiled_for: the path that the folder will have; tracebacks show it.
    """
    for source in folder.rglob("*.py"):
        path = source.relative_to(folder).as_posix()
        raw = source.read_bytes()
        tree = _changed(path, ast.parse(raw), folder, changes)
        code = compile(tree, f"{compiled_for}/{path}", "exec", dont_inherit=True)
        source.with_suffix(".pyc").write_bytes(
            importlib.util.MAGIC_NUMBER
            + _UNCHECKED
            + importlib.util.source_hash(raw)
            + marshal.dumps(code)
        )
        source.unlink()


def _changed(path: str, tree: ast.Module, folder: Path, changes: frozenset[Change]) -> ast.Module:
    if Change.SDK_DATA in changes:
        sdk_data.without_other_services(path, tree)
    if Change.DEFERRED in changes and path == lazy_anyio.SOURCE:
        tree = lazy_anyio.answered(tree, folder)
    if Change.SLIM in changes:
        tree = slim(tree, types_only=path == TYPES_ONLY)
    # Afterwards: what only an annotation names is no use.
    for module in DEFERRED.get(path, ()) if Change.DEFERRED in changes else ():
        tree = defer(tree, module)
    return ast.fix_missing_locations(tree)


def slim(module: ast.Module, *, types_only: bool = False) -> ast.Module:
    """The module without what does not run; `types_only`: its classes without their annotations too."""
    slimmer = _Slimmer(types_only=types_only)
    return ast.fix_missing_locations(slimmer.visit(module))  # type: ignore[no-any-return]  # it visits a module


def defer(tree: ast.Module, module: str) -> ast.Module:
    """The tree with its import of the module moved into the functions that use it.

    Raises:
        ValueError: there is no such import, or there are several, or it is used outside of functions.
    """
    [statement] = [node for node in ast.walk(tree) if module in _imported(node)]
    assert isinstance(statement, ast.Import | ast.ImportFrom)
    names = {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    for block in ast.walk(tree):
        body = getattr(block, "body", None)
        if isinstance(body, list) and statement in body:
            body.remove(statement)
    if used := names & _named(_evaluated(tree)):
        raise ValueError(f"{used} is used when its module is loaded")
    for function in [node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]:
        if names & _named(ast.walk(function)):
            function.body.insert(0, statement)
    return tree


def _named(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _evaluated(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is loaded: all but the bodies of functions, and annotations, which are texts by now."""
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


def _imported(node: ast.AST) -> list[str]:
    """The modules that a statement imports, and what it imports from one: that may be a module too."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


class _Slimmer(ast.NodeTransformer):
    def __init__(self, *, types_only: bool) -> None:
        self._types_only = types_only
        self._has_texts = False

    def visit_Module(self, node: ast.Module) -> ast.AST:  # the standard library's name
        _drop_docstring(node)
        futures = [line for line in node.body if "__future__.annotations" in _imported(line)]
        self._has_texts = bool(futures)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:  # the standard library's name
        if _drop_docstring(node):
            node.body.insert(0, ast.Expr(ast.Constant(_DOCSTRING)))
        if self._types_only:
            node.body = [line for line in node.body if not isinstance(line, ast.AnnAssign)]
        elif self._has_texts and {_last_name(base) for base in node.bases} & _NAMES_ONLY:
            node.body = list(_names_only(node.body))
        node.body = node.body or [ast.Pass()]
        return self.generic_visit(node)

    def visit_FunctionDef(  # the standard library's name
        self, node: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> ast.AST:
        if "overload" in map(_last_name, node.decorator_list):
            return ast.Pass()
        _drop_docstring(node)
        node.body = node.body or [ast.Pass()]
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # the standard library's name

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node


def _names_only(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """A class's body with None for the type of each field."""
    names: list[ast.expr | None] = []
    for line in body:
        if isinstance(line, ast.AnnAssign):
            names.append(ast.Constant(ast.unparse(line.target)))
            if line.value:
                yield ast.Assign([line.target], line.value)
        else:
            yield line
    yield ast.Assign(
        [ast.Name("__annotations__", ast.Store())],
        ast.Dict(names, [ast.Constant(None) for _ in names]),
    )


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> bool:
    if ast.get_docstring(node, clean=False) is None:
        return False
    del node.body[0]
    return True


def _last_name(node: ast.expr) -> str | None:
    """`overload`, and of `typing.overload` too."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
