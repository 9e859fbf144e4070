"""Change `slim`: no docstrings, no annotations of functions, no overloads, and no fields in the
TypedDicts that only type checkers read.

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


def slim(module: ast.Module, path: str = "") -> ast.Module:
    """The module at that path of the layer, without what does not run."""
    slimmer = _Slimmer(types_only=path == _TYPES_ONLY)
    return ast.fix_missing_locations(slimmer.visit(module))  # type: ignore[no-any-return]  # it visits a module


class _Slimmer(ast.NodeTransformer):
    """Its methods have the standard library's names."""

    def __init__(self, *, types_only: bool) -> None:
        self._types_only = types_only

    def visit_Module(self, node: ast.Module) -> ast.AST:
        _drop_docstring(node)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if _drop_docstring(node):
            node.body.insert(0, ast.Expr(ast.Constant(_DOCSTRING)))
        if self._types_only:
            fields = [line for line in node.body if isinstance(line, ast.AnnAssign)]
            node.body = [line for line in node.body if line not in fields] or [ast.Pass()]
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


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> bool:
    if ast.get_docstring(node, clean=False) is None:
        return False
    del node.body[0]
    return True
