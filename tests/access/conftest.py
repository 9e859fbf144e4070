"""The scene of the tests of access."""

from collections.abc import Callable, Iterator

import pytest

from tests.access.scene import Scene
from tests.access.scene import scene as set_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Once for each file: setting it takes longer than most tests."""
    with set_scene(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def restore(scene: Scene) -> Iterator[Callable[[], None]]:
    """What brings everything that is stored back to how it is now; called after the test too."""
    back = scene.town.cloud.snapshot()

    def restore() -> None:
        back()
        scene.town.wire.forget()

    yield restore
    restore()
