"""What the layer's packages weigh, held to the list beside this file: a new package, or one that has grown, is written there
by hand."""

import tomllib
from pathlib import Path
from typing import Final

import pytest

from bench import size
from tests.layer import packages
from tools.local.places import ROOT

_MOST: Final[dict[str, float]] = tomllib.loads((Path(__file__).parent / "sizes.toml").read_text())
_MOST_IN_ALL: Final = 40.0


@pytest.fixture(scope="module")
def weighed() -> dict[str, float]:
    """MB of each package, as this machine's platform has it."""
    return {name: count / 1e6 for name, count in size.by_package(packages.layer()).items()}


def test_every_package_of_the_layer_is_in_the_list(weighed: dict[str, float]) -> None:
    assert weighed.keys() == _MOST.keys()


def test_no_package_weighs_more_than_the_list_says(weighed: dict[str, float]) -> None:
    assert {name: mb for name, mb in weighed.items() if mb > _MOST.get(name, 0)} == {}


def test_the_layer_and_the_largest_function_stay_below_40_mb() -> None:
    ours = size.size(ROOT / "layers/shared/shared") / 1e6
    largest = max(size.size(folder) / 1e6 for folder in (ROOT / "functions").iterdir())
    assert sum(_MOST.values()) + ours + largest < _MOST_IN_ALL
