"""A pytest plugin (`-p tools.mutants.plugin`): imports one module with the mutant in it that
BODEGA_MUTANT names."""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final

from tools.mutants.mutant import Mutant
from tools.mutants.seeded import MUTANTS

VARIABLE: Final = "BODEGA_MUTANT"


class _Loader(SourceFileLoader):
    def __init__(self, mutant: Mutant, path: str) -> None:
        super().__init__(mutant.module, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # the protocol of importlib
        # Neither from the compiled file nor into it.
        return compile(self._mutant.broken(), self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin:
            spec.loader = _Loader(self._mutant, spec.origin)
        return spec


if name := os.environ.get(VARIABLE):
    [_mutant] = [mutant for mutant in MUTANTS if mutant.name == name]
    assert _mutant.module not in sys.modules, f"{_mutant.module} is imported already"
    sys.meta_path.insert(0, _Finder(_mutant))
