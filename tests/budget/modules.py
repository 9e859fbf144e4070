"""The modules that each function loads before it is ready, as modules.toml lists them.

A module stands once: under `all`, under `apis`, under `others`, or with each single function that loads it besides.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

_LIST: Final = Path(__file__).parent / "modules.toml"


@cache
def _listed() -> dict[str, list[str]]:
    listed: dict[str, list[str]] = tomllib.loads(_LIST.read_text())
    return listed


def expected(function: str) -> set[str]:
    """All modules of ours and of the layer's that the function loads."""
    kind = "apis" if function.endswith("Api") else "others"
    return {*_listed()["all"], *_listed()[kind], *_listed()[function]}
