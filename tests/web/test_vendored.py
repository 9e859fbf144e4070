"""The pages' libraries are those that the lock file pins."""

from tools import vendored


def test_vendored_files_are_those_of_the_pinned_packages() -> None:
    written = {file: file.read_text() for file in vendored.VENDOR.iterdir()}
    assert written == dict(vendored.files())
