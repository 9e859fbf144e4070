"""`make service`: what it adds passes the checks and tests that services have."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tools.new_service import __main__ as new_service
from tools.new_service.edits import EDITED
from tools.new_service.names import Names
from tools.template import ROOT

_BIN: Final = Path(sys.executable).parent
_NEW: Final = ("functions/reviews", "functions/order_notes", "tests/reviews", "tests/order_notes")
# Of the tests for all services, the cheap ones: `make check test` runs the others.
_GATES: Final = (
    "tests/test_template.py",
    "tests/access/test_matrix.py",
    "tests/gateway/test_asyncapi.py",
    "tests/gateway/test_openapi.py",
    "tests/privacy/test_declared.py",
)


def run(root: Path, *command: str | Path) -> None:
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = "functions:layers/shared"
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, with two new services."""
    root = tmp_path_factory.mktemp("repository")
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True)
    for name in tracked.splitlines():
        if (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    for name in (".venv", ".tools"):
        (root / name).symlink_to(ROOT / name)
    for service in ("reviews", "order-notes"):
        run(root, sys.executable, "-m", "tools.new_service", service)
    for document in ("contract", "access"):
        run(root, sys.executable, "-m", f"tools.openapi.{document}")
    return root


@pytest.mark.timeout(300)
def test_new_services_pass_the_checks(root: Path) -> None:
    for command in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        run(root, _BIN / command[0], *command[1:], *_NEW, "layers/shared/shared/contracts")
    run(root, _BIN / "lint-imports", "--no-cache")


@pytest.mark.timeout(300)
def test_new_services_pass_their_tests_and_those_of_all_services(root: Path) -> None:
    pytest_ = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    run(root, *pytest_, *_NEW[2:])
    others = ("users", "auth", "products", "orders", "notifications")
    run(root, *pytest_, *_GATES, "-k", " and ".join(f"not v1/{other}" for other in others))


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("reviews", "review"),
        ("categories", "category"),
        ("order-notes", "order-note"),
        ("addresses", "address"),
        ("wish-boxes", "wish-box"),
        ("warehouses", "warehouse"),
        ("purchases", "purchase"),
        ("bonuses", "bonus"),
        ("sizes", "size"),
    ],
)
def test_singular_is_the_regular_one(plural: str, singular: str) -> None:
    assert Names.of(plural).singular == singular


def test_name_takes_the_placeholders_place_in_each_form() -> None:
    text = "sample_notes sample-note SampleNotes sampleNotes SAMPLE_NOTE Sample notes, sample note"
    own = "lost_mice lost-mouse LostMice lostMice LOST_MOUSE Lost mice, lost mouse"
    assert Names("lost-mice", "lost-mouse").applied(text) == own


@pytest.mark.parametrize("name", ["review", "Reviews", "re views", "", "address", "x" * 40 + "s"])
def test_name_that_is_no_plural_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"plural|SINGULAR"):
        Names.of(name)


def test_name_that_exists_is_refused() -> None:
    with pytest.raises(ValueError, match="users exists"):
        new_service.add(ROOT, Names.of("users"))


@pytest.fixture
def edited_only(tmp_path: Path) -> Path:
    """The files that a new service edits, alone."""
    for name in EDITED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("plural", "singular", "word"),
    [
        ("returns", "", "return"),
        ("filters", "", "filter"),
        ("items", "", "Item"),
        ("texts", "", "text"),
        ("members", "user", "user_id"),
        ("low-stocks", "", "LowStockData"),
    ],
)
def test_name_that_its_code_uses_otherwise_is_refused(
    edited_only: Path, plural: str, singular: str, word: str
) -> None:
    with pytest.raises(ValueError, match=rf"\b{word}\b"):
        new_service.add(edited_only, Names.of(plural, singular))


def files(root: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["tests/reviews/test_service.py", "tests/reviews/other.py"])
def test_file_that_exists_is_kept(edited_only: Path, name: str) -> None:
    own = edited_only / name
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    before = files(edited_only)
    with pytest.raises(ValueError, match=f"{name} exists"):
        new_service.add(edited_only, Names.of("reviews"))
    assert files(edited_only) == before


def test_interrupted_run_leaves_nothing_and_may_be_repeated(
    edited_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    before = files(edited_only)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(subprocess, "run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            new_service.add(edited_only, Names.of("reviews"))
    assert files(edited_only) == before
    assert new_service.add(edited_only, Names.of("reviews"))


def test_folder_that_only_has_caches_is_no_service(edited_only: Path) -> None:
    (edited_only / "functions/reviews/__pycache__").mkdir(parents=True)
    sys.path.insert(0, str(edited_only / "functions"))
    try:
        assert new_service.add(edited_only, Names.of("reviews"))
    finally:
        del sys.path[0]


def test_name_of_a_folder_is_refused(edited_only: Path) -> None:
    (edited_only / "docs").mkdir()
    with pytest.raises(ValueError, match="docs exists"):
        new_service.add(edited_only, Names.of("docs"))


def test_end_names_the_singular_and_what_follows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(new_service, "add", lambda _root, _names: [])
    monkeypatch.setattr("sys.argv", ["make service", "movies"])
    assert new_service.main() == 0
    said = capsys.readouterr().out
    assert "each of the movies is a movy" in said
    assert "`make tables budgets` follows" in said
