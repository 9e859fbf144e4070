"""web/lib/vendor: the pages' libraries, from the Node packages that package-lock.json pins by hash.

    python -m tools.vendored    writes them anew, after `make requirements`

A browser finds a module by its URL: names of packages become paths, and nothing else is changed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tools.environments import NODE
from tools.local.places import ROOT

VENDOR: Final = ROOT / "web/lib/vendor"
# A module's name for packages, and its file.
_MODULES: Final[Mapping[str, tuple[str, str]]] = {
    "preact": ("preact", "preact/dist/preact.mjs"),
    "hooks": ("preact/hooks", "preact/hooks/dist/hooks.mjs"),
    "htm": ("htm", "htm/dist/htm.mjs"),
    "openapi-fetch": ("openapi-fetch", "openapi-fetch/dist/index.mjs"),
}
# For tsc: web/jsconfig.json leads it to the types of the package.
_WITH_DEFAULT: Final = ("htm", "openapi-fetch")
# The map's file is not served.
_SOURCE_MAP: Final = "//# sourceMappingURL="


def files() -> Iterator[tuple[Path, str]]:
    """Each file of the folder, and its text."""
    for name, (package, source) in _MODULES.items():
        text = (NODE / "node_modules" / source).read_text()
        text = text.replace('from"preact"', 'from"./preact.mjs"').partition(_SOURCE_MAP)[0]
        yield VENDOR / f"{name}.mjs", text.rstrip("\n") + "\n"
        default = f'export {{ default }} from "{package}";\n' if name in _WITH_DEFAULT else ""
        yield VENDOR / f"{name}.d.mts", f'export * from "{package}";\n{default}'
    for package in ("preact", "htm", "openapi-fetch"):
        licence = (NODE / "node_modules" / package / "LICENSE").read_text()
        yield VENDOR / f"{package}.LICENSE", licence


if __name__ == "__main__":
    for file, text in files():
        file.write_text(text)
