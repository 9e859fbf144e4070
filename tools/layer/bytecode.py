"""Change `bytecode`: the layer has a `.pyc` in place of each `.py`, and Python uses it without a
check.

Python compares a `.pyc` with the time of its source, which zipping loses: each cold start would
compile all libraries again.
"""

import ast
import importlib.util
import marshal
from pathlib import Path
from typing import Final

from tools.layer import deferred_imports, sdk_data
from tools.layer.slim import slim

# The flags of a `.pyc` that is not checked (PEP 552).
_UNCHECKED: Final = (1).to_bytes(4, "little")


def compile_folder(folder: Path, *, compiled_for: str) -> None:
    """Replace every `.py` by a `.pyc`, with the changes `sdk_data`, `slim` and `deferred_imports`.

    Args:
        compiled_for: the path of the folder in Lambda, for tracebacks.
    """
    for source in folder.rglob("*.py"):
        path = source.relative_to(folder).as_posix()
        raw = source.read_bytes()
        tree = ast.parse(raw)
        sdk_data.without_other_services(path, tree)
        tree = slim(tree, path)
        # After slim: an import that only an annotation uses is used no more.
        tree = ast.fix_missing_locations(deferred_imports.defer_all(path, tree, folder))
        code = compile(tree, f"{compiled_for}/{path}", "exec", dont_inherit=True)
        source.with_suffix(".pyc").write_bytes(
            importlib.util.MAGIC_NUMBER
            + _UNCHECKED
            + importlib.util.source_hash(raw)
            + marshal.dumps(code)
        )
        source.unlink()
