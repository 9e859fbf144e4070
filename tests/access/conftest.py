"""The scene of the tests of access."""

from collections.abc import Callable, Iterator

import pytest

from tests.access.scene import Scene, opened_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Made once for each file, because it takes longer than most tests."""
    with opened_scene(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def restore(scene: Scene) -> Iterator[Callable[[], None]]:
    """Restores everything that is stored; called after the test too."""
    restore = scene.shop.remember()
    scene.shop.wire.forget()
    yield restore
    restore()
