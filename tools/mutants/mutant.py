"""A mutant: one function that is wrong on purpose."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tools.local.places import ROOT
from tools.mutants.edits import Edit

_SOURCES: Final = (ROOT / "functions", ROOT / "layers/shared")


class NothingToChange(Exception):
    """The code has changed, and a mutant does not fit it any more: edit the mutant, or delete it
    with what it was about."""


@dataclass(frozen=True)
class Mutant:
    """What is broken, and which tests must fail.

    Args:
        name: what the code does wrong, as a sentence.
        target: `module:function`, `module:Class.method` or `module:` for the whole module.
        edit: the mistake.
        tests: pytest's arguments, a selection that takes seconds.
    """

    name: str
    target: str
    edit: Edit
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        return self.target.partition(":")[0]

    def broken(self) -> ast.Module:
        """The module with the mistake in it.

        Raises:
            NothingToChange: the module, the function or what is to be changed in it does not exist.
        """
        tree = ast.parse(source_of(self.module, self.name))
        node: ast.AST = tree
        for part in filter(None, self.target.partition(":")[2].split(".")):
            node = self._inner(node, part)
        if not self.edit(node):
            raise NothingToChange(f"“{self.name}” changes nothing in {self.target}")
        return ast.fix_missing_locations(tree)

    def _inner(self, node: ast.AST, name: str) -> ast.AST:
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.ClassDef | ast.FunctionDef) and inner.name == name:
                return inner
        raise NothingToChange(f"“{self.name}”: there is no {self.target}")


@cache
def path_of(module: str) -> Path | None:
    """The file of a module of functions/ or the layer."""
    inner = module.replace(".", "/")
    files = (root / f"{inner}{end}" for root in _SOURCES for end in (".py", "/__init__.py"))
    return next((file for file in files if file.exists()), None)


def source_of(module: str, name: str) -> str:
    path = path_of(module)
    if path is None:
        raise NothingToChange(f"“{name}”: there is no module {module}")
    return path.read_text()
