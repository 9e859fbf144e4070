"""Compiles what a service's modules would compile when they are imported: see shared.runtime.cold_start.

`python -m tools.layer.generated <service> <file>` imports all modules of the service as this machine has them. The source of
dataclasses, patterns, and what they are compiled to are the same on every platform: of one version of Python, and of the
same versions of the libraries.
"""

# First of all, and little else before: what is imported from here on is recorded.
import re  # isort: skip
import builtins
import os
import sys
from typing import Any

_compiler: Any = re._compiler  # type: ignore[attr-defined]  # noqa: SLF001  # no public name leads to it


class Recorder:
    """What is compiled from now on, in this process. There can be one."""

    def __init__(self) -> None:
        self.sources: set[str] = set()
        self.patterns: dict[tuple[str | bytes, int], tuple[Any, ...]] = {}
        self._last: tuple[Any, ...] = ()
        self._compile = _compiler.compile
        self._sre = _compiler._sre  # noqa: SLF001  # see above
        _compiler.compile = self._record_pattern
        _compiler._sre = self  # noqa: SLF001  # see above
        import dataclasses

        dataclasses.exec = self._record_source  # type: ignore[attr-defined]  # found before the built-in one

    def __getattr__(self, name: str) -> Any:
        """What else the compiler of patterns asks its module of C for."""
        return getattr(self._sre, name)

    def compile(self, pattern: Any, *compiled: Any) -> re.Pattern[Any]:
        """In the place of `_sre.compile`."""
        self._last = compiled
        return self._sre.compile(pattern, *compiled)  # type: ignore[no-any-return]

    def _record_pattern(self, pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        made: re.Pattern[Any] = self._compile(pattern, flags)
        if isinstance(pattern, str | bytes):
            of, code, groups, names, indices = self._last
            numbers = [int(number) for number in code]
            self.patterns[pattern, int(flags)] = (int(of), numbers, groups, dict(names), indices)
        return made

    def _record_source(
        self, source: str, globals_: dict[str, Any], locals_: dict[str, Any]
    ) -> None:
        self.sources.add(source)
        builtins.exec(source, globals_, locals_)  # noqa: S102  # as the module itself would


def record(service: str) -> Recorder:
    """Import all modules of the service and all that they import, and do what building its functions does."""
    # In a function's environment everything would come out of an older recording.
    os.environ.pop("AWS_LAMBDA_FUNCTION_NAME", None)
    recorder = Recorder()
    import importlib
    import pkgutil

    package = importlib.import_module(service)
    for module in pkgutil.walk_packages(package.__path__, f"{service}."):
        importlib.import_module(module.name)
    _build()
    return recorder


def _build() -> None:
    from shared.runtime import aws, warm_up
    from tools.layer.sdk_data import OPERATIONS, SDKS_OWN
    from tools.local.places import CREDENTIALS, REGION

    # Of nobody: a rehearsal asks no service.
    os.environ |= CREDENTIALS | {"AWS_DEFAULT_REGION": REGION}
    warm_up.tokens()
    make: Any = aws.client  # it names the services that it is for
    made = [make(service) for service in sorted(OPERATIONS.keys() - SDKS_OWN)]
    warm_up.clients()
    del made  # until here: a client that nobody holds has no rehearsal


def packed(recorder: Recorder) -> bytes:
    """All of it, compiled, as shared.runtime.cold_start reads it."""
    import importlib.util
    import marshal

    sources = {
        source: marshal.dumps(compile(source, "<string>", "exec"))
        for source in sorted(recorder.sources)
    }
    return importlib.util.MAGIC_NUMBER + marshal.dumps((sources, recorder.patterns))


if __name__ == "__main__":
    content = packed(record(sys.argv[1]))
    with open(sys.argv[2], "wb") as file:  # noqa: PTH123  # pathlib's patterns are recorded
        file.write(content)
