"""Edits of a syntax tree: what a mutant changes in the function, class or module that it names.

A name such as `Put` or `_table.get` means every call or attribute whose dotted name ends in it, so
that edits survive a reformatted or a moved line. Each edit returns how many places it has changed.
"""

import ast
from collections.abc import Callable
from typing import Any

type Edit = Callable[[ast.AST], int]


def argument(call: str, name: str, value: str = "") -> Edit:
    """Calls get this value, given as Python, for a keyword argument; without a value they lose
    it."""

    def edit(tree: ast.AST) -> int:
        changed = 0
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is(node.func, call):
                kept = [keyword for keyword in node.keywords if keyword.arg != name]
                added = [ast.keyword(name, _expression(value))] if value else []
                changed += len(kept) + len(added) != len(node.keywords) or bool(value)
                node.keywords = kept + added
        return changed

    return edit


def without(call: str) -> Edit:
    """A statement that is such a call, or raises such an exception, is skipped; a list loses it."""

    def is_call(node: ast.AST | None) -> bool:
        return isinstance(node, ast.Call) and _is(node.func, call)

    def is_skipped(node: ast.stmt) -> bool:
        if isinstance(node, ast.Raise):
            return is_call(node.exc) or (node.exc is not None and _is(node.exc, call))
        return isinstance(node, ast.Expr) and is_call(node.value)

    def edit(tree: ast.AST) -> int:
        changed = 0
        for block in _blocks(tree):
            kept = [ast.Pass() if is_skipped(node) else node for node in block]
            changed += kept != block
            block[:] = kept
        for node in ast.walk(tree):
            if isinstance(node, ast.List):
                elements = [element for element in node.elts if not is_call(element)]
                changed += elements != node.elts
                node.elts = elements
        return changed

    return edit


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
                case ast.arguments(kwonlyargs=names, kw_defaults=defaults):
                    for place, default in enumerate(defaults):
                        if default and names[place].arg == name:
                            defaults[place], changed = _expression(value), changed + 1
        return changed

    return edit


def expression(old: str, new: str) -> Edit:
    """Every expression that equals `old`, however it is laid out, becomes `new`."""

    def edit(tree: ast.AST) -> int:
        replacement = _Replacement(old, new)
        replacement.generic_visit(tree)
        return replacement.changed

    return edit


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


class _Replacement(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = ast.unparse(_expression(old)), new
        self.changed = 0

    def visit(self, node: ast.AST) -> Any:
        is_read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        if isinstance(node, ast.expr) and is_read and ast.unparse(node) == self._old:
            self.changed += 1
            return _expression(self._new)
        return super().generic_visit(node)


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
