"""Makes the environments: `python3 -m tools.environments app sam`, or `--pin` for new versions.

Any Python 3.9 can run it; what it makes is Python 3.13. Several environments and not one, because
the SAM CLI, the emulator and the scanners each pin packages that the app must not have.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.progress import Problem, exit_code, step

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = {
    "app": (".venv", "dev.txt"),
    "sam": (".tools/sam", "sam.txt"),
    "emulator": (".tools/emulator", "emulator.txt"),
    "checkov": (".tools/checkov", "checkov.txt"),
    "audit": (".tools/audit", "audit.txt"),
    "mutants": (".tools/mutants", "mutants.txt"),
    "runtime": (".tools/runtime", "runtime.txt"),
    "node": (".tools/node", "node.txt"),
}
# Node packages of an environment: the folder of their package.json and package-lock.json.
NODE_PACKAGES = {"node": "requirements/node"}
LAYER = "layers/shared/requirements.in"
DEV = "requirements/dev.in"
OTHERS = tuple(
    f"requirements/{name}.in"
    for name in ("sam", "emulator", "checkov", "audit", "mutants", "runtime", "node", "uv")
)
# Older ones don't know the platforms that the layer is built for.
OLDEST_UV = (0, 6)


def run(problem: str, *command: str | Path, path: Path | None = None) -> None:
    """Run quietly, with `path` first on the PATH; on failure say `problem` and the last line of the
    output."""
    environment = {**os.environ}
    if path:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines() or ["it gave no reason"]
        raise Problem(f"{problem}\n  ({said[-1].strip()})")


def find_uv() -> Path | None:
    own = ROOT / ".tools/uv/bin/uv"
    for found in (str(own) if own.exists() else None, shutil.which("uv")):
        if found and uv_version(found) >= OLDEST_UV:
            return Path(found)
    return None


def uv_version(uv: str) -> tuple[int, ...]:
    said = subprocess.run((uv, "--version"), capture_output=True, text=True, check=False).stdout
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])


def make_uv() -> Path:
    home = ROOT / ".tools/uv"
    with step("installer"):
        run(
            "This Python can't make virtual environments: install its venv module "
            "(on Debian and Ubuntu `apt install python3-venv`), then try again.",
            *(sys.executable, "-m", "venv", "--clear", home),
        )
        run(
            "uv could not be installed: see whether this machine reaches the package registry, "
            "then try again.",
            *(home / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes"),
            *("-r", "requirements/uv.txt"),
        )
    return home / "bin/uv"


def make(uv: Path, name: str) -> None:
    folder, requirements = ENVIRONMENTS[name]
    home = ROOT / folder
    with step(f"{name} environment"):
        if not (home / "bin/python3.13").exists():
            run(
                "There is no Python 3.13 here and it could not be downloaded: install it "
                "(for example `pyenv install 3.13`), then try again.",
                *(uv, "venv", "--quiet", "--clear", "--relocatable", "--python", "3.13", home),
            )
        run(
            f"The {name} environment could not be installed: see whether this machine reaches "
            "the package registry, then try again.",
            *(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", home / "bin/python"),
            f"requirements/{requirements}",
        )
        if name in NODE_PACKAGES:
            install_node_packages(home, ROOT / NODE_PACKAGES[name])
    (home / ".made").touch()


def install_node_packages(home: Path, declared: Path) -> None:
    """Install the packages of the lock file into `home`/node_modules; none of their install scripts
    runs."""
    for file in ("package.json", "package-lock.json"):
        shutil.copy(declared / file, home / file)
    run(
        "The Node packages could not be installed: see whether this machine reaches the npm "
        "registry, then try again.",
        *(home / "bin/npm", "ci", "--prefix", home, "--ignore-scripts", "--no-audit", "--no-fund"),
        path=home / "bin",
    )


def pin(uv: Path, source: str) -> None:
    """Write the newest versions that fit, with their hashes, and nothing of where they came
    from."""
    target = Path(source).with_suffix(".txt")
    with step(f"pin {target.name}" if target.parent.name == "requirements" else "pin the layer"):
        run(
            f"The versions for {source} could not be chosen: see whether this machine reaches the "
            "package registry, then try again.",
            *(uv, "pip", "compile", "--quiet", "--upgrade", "--universal"),
            *("--python-version", "3.13", "--generate-hashes", "--no-header"),
            *("--no-emit-index-url", "--no-emit-find-links"),
            # What the app is tested with is what runs in Lambda.
            *(("-c", LAYER.replace(".in", ".txt")) if source == DEV else ()),
            *(source, "--output-file", target),
        )


def pin_node_packages(uv: Path, name: str) -> None:
    """Write the newest Node packages that fit into the lock file, with their hashes and without
    addresses."""
    home, declared = ROOT / ENVIRONMENTS[name][0], ROOT / NODE_PACKAGES[name]
    if not (home / ".made").exists():
        make(uv, name)
    lock = declared / "package-lock.json"
    lock.unlink(missing_ok=True)
    with step(f"pin {declared.name}/package-lock.json"):
        run(
            "The Node packages could not be chosen: see whether this machine reaches the npm "
            "registry, then try again.",
            *(home / "bin/npm", "install", "--prefix", declared, "--package-lock-only"),
            *("--ignore-scripts", "--no-audit", "--no-fund"),
            path=home / "bin",
        )
        locked = json.loads(lock.read_text())
        for package in locked["packages"].values():
            package.pop("resolved", None)
            package.pop("funding", None)
        lock.write_text(json.dumps(locked, indent=2) + "\n")


def main() -> None:
    if not shutil.which("git"):
        raise Problem("git is missing: install it, then try again.")
    uv = find_uv() or make_uv()
    if sys.argv[1:] == ["--pin"]:
        for source in (LAYER, DEV, *OTHERS):
            pin(uv, source)
        for name in NODE_PACKAGES:
            pin_node_packages(uv, name)
    else:
        for name in sys.argv[1:]:
            make(uv, name)


if __name__ == "__main__":
    sys.exit(exit_code(main))
