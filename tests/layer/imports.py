"""What the installed packages import of one another, by their sources."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from tests.layer import packages

_STATEMENT: Final = re.compile(
    rb"^[ \t]*(?:from[^\n]+|)import\b(?:[^\n]*\([^)]*\)|[^\n]*)", re.MULTILINE
)


@dataclass(frozen=True)
class Import:
    """That a file of the packages imports a name from a module, or the module itself: then the name is empty."""

    by: str
    module: str
    name: str

    @property
    def full(self) -> str:
        """The name's own, which may be a module's too."""
        return f"{self.module}.{self.name}" if self.name else self.module


def module_of(path: str) -> str:
    """The dotted name of a file: `fastapi/telemetry/__init__.py` is `fastapi.telemetry`."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def of_what_names(words: set[str]) -> Iterator[Import]:
    """Those of all files with an import that has one of these words: few have, and the others need not be parsed.

    Imports that are only for type checkers don't count.
    """
    wanted = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b".encode())
    for path, file in packages.installed():
        if path.endswith(".py"):
            raw = file.read_bytes()
            if any(wanted.search(statement) for statement in _STATEMENT.findall(raw)):
                yield from of_file(path, raw)


def of_file(path: str, raw: bytes) -> Iterator[Import]:
    """Those of one file."""
    tree = ast.parse(raw)
    package = (
        module_of(path) if path.endswith("__init__.py") else module_of(path).rpartition(".")[0]
    )
    named: dict[str, str] = {}
    for node in _running(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                named[alias.asname or alias.name] = alias.name
                yield Import(path, alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            for alias in node.names:
                named[alias.asname or alias.name] = f"{module}.{alias.name}"
                yield Import(path, module, alias.name)
    # `from pydantic.plugin import _loader` and then `_loader.get_plugins` takes a name from a module too.
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (owner := named.get(_dotted(node.value))):
            yield Import(path, owner, node.attr)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join((*base, node.module) if node.module else base)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)
