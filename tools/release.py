"""`make release`: an entry in CHANGELOG.md, the version where the API says it, and a tag.

The version follows from what has changed since the last release: the first number is raised if
clients may break (docs/api/incompatible.md), the second if the API or its events have changed
(docs/api), else the third. Before 1.0.0 the second stands for the first.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tools.commands import output
from tools.local.places import APP_PYTHON, ROOT, clean_environment
from tools.progress import Problem, exit_code, step

_CHANGELOG: Final = "CHANGELOG.md"
_VERSION_FILE: Final = "functions/gateway/__init__.py"
_VERSION: Final = re.compile(r'^VERSION: Final = "(\d+\.\d+\.\d+)"$', re.MULTILINE)
_DOCUMENTS: Final = "docs/api"
_BREAKS: Final = f"{_DOCUMENTS}/incompatible.md"
_HEAD: Final = "# Changelog\n\nWritten by `make release`.\n"
# Commits that repeat what others have changed.
_REPEATS: Final = ("Regenerate ", "Release ", "Merge ")


class Repository:
    """The repository in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def git(self, *arguments: str) -> str:
        problem = f"git {arguments[0]} failed."
        return output(problem, "git", "-C", self._root, *arguments).strip()

    def read(self, name: str) -> str:
        file = self._root / name
        return file.read_text() if file.exists() else ""

    def write(self, name: str, text: str) -> None:
        (self._root / name).write_text(text)

    def last_release(self) -> str | None:
        """Its tag."""
        tags = self.git("tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname")
        return tags.splitlines()[0] if tags else None

    def version(self) -> str:
        found = _VERSION.search(self.read(_VERSION_FILE))
        if not found:
            raise Problem(f"{_VERSION_FILE} has no VERSION.")
        return found[1]


def next_version(last: str, changed: Sequence[str]) -> str:
    """The version after the last one.

    Args:
        changed: the paths of the files that have changed since.
    """
    first, second, third = map(int, last.split("."))
    place = 2
    if any(path.startswith(_DOCUMENTS) for path in changed):
        place = 1
    if _BREAKS in changed and first:
        place = 0
    numbers = [first, second, third]
    numbers[place:] = [numbers[place] + 1, *[0] * (2 - place)]
    return ".".join(map(str, numbers))


def entry(version: str, day: str, subjects: Sequence[str]) -> str:
    """The part of the changelog about a release."""
    kept = [subject for subject in subjects if not subject.startswith(_REPEATS)]
    lines = [f"- {subject}" for subject in kept] or ["- No commit but of generated files."]
    return "\n".join([f"## {version} ({day})", "", *lines, ""])


def release(
    repository: Repository,
    *,
    day: str,
    version: str = "",
    write_documents: Callable[[], None],
) -> str:
    """Write the entry, commit it and tag it; return the tag.

    Args:
        version: another one than what has changed makes of the last.
        write_documents: writes the new version into docs/api.

    Raises:
        Problem: the repository is not ready for it.
    """
    if repository.git("status", "--porcelain"):
        raise Problem("Files have changed that are in no commit: commit them, then release.")
    branch = repository.git("rev-parse", "--abbrev-ref", "HEAD")
    if branch != "main":
        raise Problem(f"A release is made of main, and this is {branch}.")
    last = repository.last_release()
    if last is None:
        version, subjects = version or repository.version(), ["The first release."]
    else:
        since = f"{last}..HEAD"
        subjects = repository.git("log", "--no-merges", "--format=%s", since).splitlines()
        if not subjects:
            raise Problem(f"Nothing has changed since {last}.")
        changed = repository.git("diff", "--name-only", since).splitlines()
        version = version or next_version(last.removeprefix("v"), changed)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise Problem(f"{version} is no version: write three numbers, such as 1.4.0.")
    tag = f"v{version}"
    if repository.git("tag", "--list", tag):
        raise Problem(f"{tag} is released already: choose another VERSION=.")
    text = entry(version, day, subjects)
    before = repository.read(_CHANGELOG).removeprefix(_HEAD)
    repository.write(_CHANGELOG, f"{_HEAD}\n{text}{before}")
    if version != repository.version():
        code = repository.read(_VERSION_FILE)
        repository.write(_VERSION_FILE, _VERSION.sub(f'VERSION: Final = "{version}"', code))
        write_documents()
    repository.git("add", _CHANGELOG, _VERSION_FILE, _DOCUMENTS)
    repository.git("commit", "--message", f"Release {version}")
    # Without clean-up, which takes lines that begin with # for comments.
    repository.git("tag", "--annotate", "--cleanup=verbatim", tag, "--message", text)
    return tag


def write_documents() -> None:
    """The version stands in the documents of the API and of the events."""
    with step("documents of the API"):
        output(
            "The documents of the API could not be written.",
            *(APP_PYTHON, "-m", "tools.openapi.contract"),
            env={**clean_environment(), "PYTHONPATH": "functions:layers/shared"},
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.release")
    parser.add_argument("--version", default="", help="three numbers, such as 1.4.0")
    version = parser.parse_args().version
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    tag = release(Repository(ROOT), day=day, version=version, write_documents=write_documents)
    print(f"\n{tag} is committed and tagged, with an entry in {_CHANGELOG}. To deploy it:")
    print("  git push --follow-tags")


if __name__ == "__main__":
    sys.exit(exit_code(main))
