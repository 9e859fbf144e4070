"""`make release`: the changelog says what has changed, under the version that follows from it."""

import os
import subprocess
from pathlib import Path

import pytest

from tools.progress import Problem
from tools.release import Repository, entry, next_version, release

CODE = 'NAME = "Bodega"\nVERSION: Final = "0.1.0"\n'
FILE = "functions/gateway/__init__.py"


class History:
    """A repository with the file that has the version."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = Repository(root)
        self.documented: list[str] = []
        self.git("init", "--initial-branch", "main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.com")
        self.git("config", "commit.gpgsign", "false")
        self.git("config", "tag.gpgsign", "false")
        self.commit("Begin", **{FILE: CODE, "docs/api/openapi.json": "{}"})

    def git(self, *arguments: str) -> str:
        ended = subprocess.run(
            ("git", *arguments),
            cwd=self.root,
            env={"PATH": os.environ["PATH"], "HOME": str(self.root)},
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout.strip()

    def commit(self, subject: str, **files: str) -> None:
        for name, text in (files or {"functions/code.py": subject}).items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", ".")
        self.git("commit", "--message", subject)

    def release(self, version: str = "") -> str:
        def write_documents() -> None:
            self.documented.append(self.repository.version())

        return release(
            self.repository, day="2026-11-22", version=version, write_documents=write_documents
        )

    @property
    def changelog(self) -> str:
        return (self.root / "CHANGELOG.md").read_text()


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


@pytest.mark.parametrize(
    ("last", "changed", "version"),
    [
        ("1.4.2", ["functions/orders/saga.py"], "1.4.3"),
        ("1.4.2", ["docs/api/openapi.json"], "1.5.0"),
        ("1.4.2", ["docs/api/openapi.json", "docs/api/incompatible.md"], "2.0.0"),
        ("0.4.2", ["docs/api/incompatible.md"], "0.5.0"),
    ],
)
def test_version_follows_from_what_has_changed(last: str, changed: list[str], version: str) -> None:
    assert next_version(last, changed) == version


def test_entry_leaves_out_commits_that_repeat_others() -> None:
    subjects = ["Add returns", "Regenerate the budgets", "Release 0.1.0"]
    assert entry("0.2.0", "2026-11-22", subjects) == "## 0.2.0 (2026-11-22)\n\n- Add returns\n"


def test_first_release_has_the_version_of_the_code(history: History) -> None:
    assert history.release() == "v0.1.0"
    assert "## 0.1.0 (2026-11-22)\n\n- The first release.\n" in history.changelog
    assert history.documented == []
    assert history.git("status", "--porcelain") == ""
    assert history.git("tag", "--points-at", "HEAD") == "v0.1.0"


def test_next_release_is_written_above_the_one_before(history: History) -> None:
    history.release()
    history.commit("Refund paid orders", **{"docs/api/openapi.json": '{"new": 1}'})
    assert history.release() == "v0.2.0"
    second, first = history.changelog.index("## 0.2.0"), history.changelog.index("## 0.1.0")
    assert second < first
    assert "- Refund paid orders" in history.changelog
    assert history.changelog.count("# Changelog") == 1
    assert history.repository.version() == "0.2.0"
    assert history.documented == ["0.2.0"]
    assert "- Refund paid orders" in history.git("tag", "--list", "v0.2.0", "--format=%(contents)")


def test_release_is_refused_when_the_repository_is_not_ready(history: History) -> None:
    (history.root / FILE).write_text(CODE + "\n")
    with pytest.raises(Problem, match="in no commit"):
        history.release()
    history.commit("Change", **{FILE: CODE + "\n\n"})
    history.release()
    with pytest.raises(Problem, match=r"Nothing has changed since v0\.1\.0"):
        history.release()
    history.commit("Change again")
    with pytest.raises(Problem, match="released already"):
        history.release("0.1.0")
    with pytest.raises(Problem, match="no version"):
        history.release("soon")
    history.git("switch", "--create", "side")
    with pytest.raises(Problem, match="this is side"):
        history.release()
