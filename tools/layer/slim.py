"""Change `slim`: no docstrings, no annotations of functions, no overloads, and no fields in classes
whose fields only type checkers read.

They are for readers and type checkers, but each cold start would read and evaluate them.
Other annotations of classes stay, because dataclasses and pydantic are made of them, and so do line
numbers, because tracebacks have them. Only for libraries: FastAPI reads the annotations of our
routes.
"""

import ast
from typing import Final

# A dataclass without a docstring would make one from its signature, slowly.
_DOCSTRING: Final = "."
# Its TypedDicts describe what its functions return. Python compiles each of their 600 annotations.
_TYPES_ONLY: Final = "pydantic_core/core_schema.py"
# Its objects are dicts with attributes. Their classes describe each field of Stripe's API.
_RESOURCES: Final = "stripe/"


def slim(module: ast.Module, path: str = "") -> ast.Module:
    """The module at that path of the libraries, without what does not run."""
    slimmer = _Slimmer(path)
    return ast.fix_missing_locations(slimmer.visit(module))  # type: ignore[no-any-return]  # it visits a module


class _Slimmer(ast.NodeTransformer):
    """Its methods have the standard library's names."""

    def __init__(self, path: str) -> None:
        self._path = path

    def visit_Module(self, node: ast.Module) -> ast.AST:
        _drop_docstring(node)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if _drop_docstring(node):
            node.body.insert(0, ast.Expr(ast.Constant(_DOCSTRING)))
        if self._path == _TYPES_ONLY or (self._path.startswith(_RESOURCES) and _is_plain(node)):
            node.body = [line for line in node.body if not _is_field(line)] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list):
            return ast.Pass()
        _drop_docstring(node)
        node.body = node.body or [ast.Pass()]
        node.returns = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # the standard library's name

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node


def _is_field(line: ast.stmt) -> bool:
    return isinstance(line, ast.AnnAssign) and line.value is None


def _is_plain(node: ast.ClassDef) -> bool:
    """Whether no field of the class has a meaning when it runs."""
    makers = [ast.unparse(one) for one in (*node.bases, *node.decorator_list)]
    return not any(name in maker for maker in makers for name in ("TypedDict", "dataclass"))


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> bool:
    if ast.get_docstring(node, clean=False) is None:
        return False
    del node.body[0]
    return True
