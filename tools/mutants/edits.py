"""Edits of a syntax tree: what a mutant changes in the function, class or module that it names.

A name such as `Put` or `_table.get` means every call or attribute whose dotted name ends in it, so
that edits survive a reformatted or a moved line. Each edit returns how many places it has changed.
"""

import ast
from collections.abc import Callable
from typing import Any

type Edit = Callable[[ast.AST], int]


def without_argument(call: str, name: str) -> Edit:
    """Calls lose a keyword argument."""

    def edit(tree: ast.AST) -> int:
        calls = _calls(tree, call)
        before = sum(len(node.keywords) for node in calls)
        for node in calls:
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != name]
        return before - sum(len(node.keywords) for node in calls)

    return edit


def with_argument(call: str, **values: Any) -> Edit:
    """Calls get keyword arguments with these constants, also in place of others."""

    def edit(tree: ast.AST) -> int:
        calls = _calls(tree, call)
        for node in calls:
            kept = [keyword for keyword in node.keywords if keyword.arg not in values]
            added = [ast.keyword(name, ast.Constant(value)) for name, value in values.items()]
            node.keywords = kept + added
        return len(calls)

    return edit


def without(call: str) -> Edit:
    """A statement that is such a call, or raises such an exception, is skipped; a list loses it."""
    return _edited(_Without(call))


def only_if(name: str, *, value: bool) -> Edit:
    """Each `if` whose test mentions the name, or calls it, has this constant as its test."""

    def edit(tree: ast.AST) -> int:
        found = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.If | ast.IfExp) and _mentions(node.test, name)
        ]
        for node in found:
            node.test = ast.Constant(value)
        return len(found)

    return edit


def text(old: str, new: str) -> Edit:
    """A part of the strings, such as of a condition expression."""

    def edit(tree: ast.AST) -> int:
        found = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and old in node.value
        ]
        for node in found:
            assert isinstance(node.value, str)
            node.value = node.value.replace(old, new)
        return len(found)

    return edit


def constant(name: str, value: str) -> Edit:
    """A constant, a class attribute, a parameter's default or a keyword argument has another value,
    given as Python."""

    def edit(tree: ast.AST) -> int:
        changed = 0
        for node in ast.walk(tree):
            match node:
                case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
                    if _is(target, name):
                        node.value, changed = _expression(value), changed + 1
                case ast.keyword(arg=arg) if arg == name:
                    node.value, changed = _expression(value), changed + 1
                case ast.arguments():
                    changed += _default(node, name, value)
        return changed

    return edit


def expression(old: str, new: str) -> Edit:
    """Every expression that equals `old`, however it is laid out, becomes `new`."""
    return _edited(_Replacement(old, new))


def swapped(first: str, second: str) -> Edit:
    """The statement with the first call, and the statement with the second, change places."""

    def edit(tree: ast.AST) -> int:
        for block in _blocks(tree):
            places = [
                next((at for at, node in enumerate(block) if _mentions(node, name)), None)
                for name in (first, second)
            ]
            one, other = places
            if one is not None and other is not None and one != other:
                block[one], block[other] = block[other], block[one]
                return 1
        return 0

    return edit


def before(name: str, statement: str) -> Edit:
    """Statements are inserted before the innermost one that mentions the name."""

    def edit(tree: ast.AST) -> int:
        blocks = [block for block in _blocks(tree) if any(_mentions(n, name) for n in block)]
        if not blocks:
            return 0
        innermost = blocks[-1]
        place = next(at for at, node in enumerate(innermost) if _mentions(node, name))
        innermost[place:place] = ast.parse(statement).body
        return 1

    return edit


class _Counting(ast.NodeTransformer):
    changed = 0


class _Replacement(_Counting):
    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = ast.unparse(_expression(old)), new

    def visit(self, node: ast.AST) -> Any:
        is_read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        if isinstance(node, ast.expr) and is_read and ast.unparse(node) == self._old:
            self.changed += 1
            return _expression(self._new)
        return super().generic_visit(node)


class _Without(_Counting):
    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return self._skipped(node) if self._is_call(node.value) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        raised = node.exc is not None and (_is(node.exc, self._name) or self._is_call(node.exc))
        return self._skipped(node) if raised else self.generic_visit(node)

    def visit_List(self, node: ast.List) -> ast.AST:
        kept = [element for element in node.elts if not self._is_call(element)]
        self.changed += len(node.elts) - len(kept)
        node.elts = kept
        return self.generic_visit(node)

    def _skipped(self, _node: ast.stmt) -> ast.stmt:
        self.changed += 1
        return ast.Pass()

    def _is_call(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and _is(node.func, self._name)


def _edited(transformer: _Counting) -> Edit:
    def edit(tree: ast.AST) -> int:
        transformer.changed = 0
        transformer.generic_visit(tree)
        return transformer.changed

    return edit


def _default(node: ast.arguments, name: str, value: str) -> int:
    changed = 0
    for place, argument in enumerate(node.kwonlyargs):
        if argument.arg == name and node.kw_defaults[place] is not None:
            node.kw_defaults[place] = _expression(value)
            changed += 1
    return changed


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is(node.func, name)]


def _mentions(tree: ast.AST, name: str) -> bool:
    return any(_is(node, name) for node in ast.walk(tree))


def _is(node: ast.AST, name: str) -> bool:
    if not isinstance(node, ast.Name | ast.Attribute):
        return False
    dotted = ast.unparse(node)
    return dotted == name or dotted.endswith(f".{name}")


def _blocks(tree: ast.AST) -> list[list[Any]]:
    """All lists of statements, an outer one before those in it."""
    fields = ("body", "orelse", "finalbody")
    found = [getattr(node, name, None) for node in ast.walk(tree) for name in fields]
    return [block for block in found if isinstance(block, list) and block]


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body
