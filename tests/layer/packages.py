"""The packages of the layer as the tests' own environment has them, and what is made of them."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from tools.layer.__main__ import make
from tools.local.places import ROOT

_REQUIREMENTS: Final = ROOT / "layers/shared/requirements.txt"
_TOOL: Final = ROOT / "tools/layer"
_CACHE: Final = ROOT / ".cache/layer"


def installed() -> Iterator[tuple[str, Path]]:
    """Each file of each package, by its path in the layer. Tests are left out there; they import what nobody ships."""
    pinned = re.findall(r"^([\w.-]+)==", _REQUIREMENTS.read_text(), re.MULTILINE)
    for name in pinned:
        found = distribution(name)
        for file in found.files or ():
            if not {"..", "__pycache__", "tests"} & set(file.parts):
                yield file.as_posix(), Path(str(found.locate_file(file)))


def copied(folder: Path) -> Path:
    """All of them, copied into the folder: installed files may be links into a cache of all environments."""
    for path, source in installed():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return folder


@cache
def layer() -> Path:
    """The layer's dependencies, made by `tools.layer`. They are kept until they or the tool change."""
    folder = _CACHE / f"tests-{_key()}"
    if not folder.exists():
        for older in _CACHE.glob("tests-*"):
            shutil.rmtree(older, ignore_errors=True)
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as made:
            new = copied(Path(made) / "python")
            make(new)
            # Another run of the tests may have been quicker.
            with suppress(OSError):
                new.rename(folder)
    return folder


def _key() -> str:
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes())
    for file in sorted(_TOOL.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
