"""The libraries of the layer, made from the tests' own environment."""

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
    """Each file of each package but its tests, by its path in the layer."""
    pinned = re.findall(r"^([\w.-]+)==", _REQUIREMENTS.read_text(), re.MULTILINE)
    for name in pinned:
        found = distribution(name)
        for file in found.files or ():
            if not {"..", "__pycache__", "tests"} & set(file.parts):
                yield file.as_posix(), Path(str(found.locate_file(file)))


def copied(folder: Path) -> Path:
    """A copy in the folder: installed files can be links into the installer's cache."""
    for path, source in installed():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return folder


@cache
def layer() -> Path:
    """The libraries as tools.layer makes them. They are kept until the requirements or the tool
    change."""
    folder = _CACHE / f"tests-{_key()}"
    if not folder.exists():
        for older in set(_CACHE.glob("tests-*")) - {folder}:
            shutil.rmtree(older, ignore_errors=True)
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as made:
            new = copied(Path(made) / "python")
            make(new)
            # Another process may have been faster.
            with suppress(OSError):
                new.rename(folder)
    return folder


def _key() -> str:
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes())
    for file in sorted(_TOOL.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
