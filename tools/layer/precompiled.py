"""Change `precompiled`: the code of dataclasses and the regular expressions are compiled when a
function is built.

`python -m tools.layer.precompiled <service> <file>` imports all modules of the service, records
what Python compiles meanwhile, and writes the result. shared.runtime.cold_start uses the file when
the function starts. The result is the same on every platform, for one version of Python and of the
libraries.
"""

# Before all other imports: what they compile is recorded.
import re  # isort: skip
import builtins
import os
import sys
from typing import Any

# Imported by one function of their service, and only with one setting.
_RARE = ("orders.payments.stripe", "orders.payments.stripe_transport")

_compiler: Any = re._compiler  # type: ignore[attr-defined]  # noqa: SLF001  # no public name leads to it


class Recorder:
    """Records what Python compiles from now on. A process can have one."""

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
        """All else that the compiler of patterns uses of `_sre`."""
        return getattr(self._sre, name)

    def compile(self, pattern: Any, *compiled: Any) -> re.Pattern[Any]:
        """Replaces `_sre.compile`."""
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
    """Import all modules of the service and the shared entries, and make the clients that functions
    make when they start."""
    # With this variable shared.runtime.cold_start would use an older result.
    os.environ.pop("AWS_LAMBDA_FUNCTION_NAME", None)
    recorder = Recorder()
    import importlib
    import pkgutil

    for name in (service, "shared.entries"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if module.name not in _RARE:
                importlib.import_module(module.name)
    _build()
    return recorder


def _build() -> None:
    from shared.runtime import aws, warm_up
    from tools.layer.sdk_data import OPERATIONS, SDKS_OWN
    from tools.local.places import CREDENTIALS, REGION

    # Any credentials do: warming up sends no request.
    os.environ |= CREDENTIALS | {"AWS_DEFAULT_REGION": REGION}
    warm_up.tokens()
    make: Any = aws.client  # mypy: its overloads name single services
    made = [make(service) for service in sorted(OPERATIONS.keys() - SDKS_OWN)]
    warm_up.clients()
    del made  # warm_up.clients() sees only clients that are referenced


def packed(recorder: Recorder) -> bytes:
    """The content of the file that shared.runtime.cold_start reads."""
    import importlib.util
    import marshal

    sources = {
        source: marshal.dumps(compile(source, "<string>", "exec"))
        for source in sorted(recorder.sources)
    }
    return importlib.util.MAGIC_NUMBER + marshal.dumps((sources, recorder.patterns))


if __name__ == "__main__":
    content = packed(record(sys.argv[1]))
    with open(sys.argv[2], "wb") as file:  # noqa: PTH123  # pathlib would be recorded
        file.write(content)
