"""Makes the environments: `python3 -m tools.environments app sam`, or `--pin` for new versions.

Any Python 3.9 can run it; what it makes is Python 3.13. Several environments and not one, because
the SAM CLI, the emulator and the scanners each pin packages that the app must not have.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from tools.commands import output
from tools.local.places import ROOT
from tools.progress import Problem, exit_code, step

# Environments in .tools beside the app's, each with its requirements/<name>.in and .txt.
TOOLS = (
    *("sam", "emulator", "localstripe", "checkov", "audit", "mutants", "runtime", "client", "node"),
)
NODE = ROOT / ".tools/node"
NODE_PACKAGES = ROOT / "requirements/node"
LAYER = "layers/shared/requirements.in"
# Of single functions' packages: each has what it needs from the layer.
PACKAGES = ("functions/OrdersCheckout.in",)
DEV = "requirements/dev.in"
OTHERS = tuple(f"requirements/{name}.in" for name in (*TOOLS, "uv"))


def make_uv() -> Path:
    """The pinned installer, which is made once."""
    home = ROOT / ".tools/uv"
    if (home / "bin/uv").exists():
        return home / "bin/uv"
    with step("installer"):
        output(
            "This Python can't make virtual environments: install its venv module "
            "(on Debian and Ubuntu `apt install python3-venv`), then try again.",
            *(sys.executable, "-m", "venv", "--clear", home),
        )
        output(
            "uv could not be installed: see whether this machine reaches the package registry, "
            "then try again.",
            *(home / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes"),
            *("-r", "requirements/uv.txt"),
        )
    return home / "bin/uv"


def make(uv: Path, name: str) -> None:
    """Make an environment: app, or one of TOOLS."""
    home, requirements = (".venv", "dev") if name == "app" else (f".tools/{name}", name)
    with step(f"{name} environment"):
        if not (ROOT / home / "bin/python3.13").exists():
            output(
                "There is no Python 3.13 here and it could not be downloaded: install it "
                "(for example `pyenv install 3.13`), then try again.",
                *(uv, "venv", "--quiet", "--clear", "--relocatable", "--python", "3.13", home),
            )
        output(
            f"The {name} environment could not be installed: see whether this machine reaches "
            "the package registry, then try again.",
            *(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", f"{home}/bin/python"),
            f"requirements/{requirements}.txt",
        )
        if name == "node":
            for file in ("package.json", "package-lock.json"):
                shutil.copy(NODE_PACKAGES / file, NODE / file)
            npm("ci", "--prefix", NODE)
    (ROOT / home / ".made").touch()


def npm(*arguments: str | Path) -> None:
    """Run npm; no package's install script runs."""
    output(
        "The Node packages could not be installed or chosen: see whether this machine reaches the "
        "npm registry, then try again.",
        *(NODE / "bin/npm", *arguments, "--ignore-scripts", "--no-audit", "--no-fund"),
        env={**os.environ, "PATH": f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"},
    )


def pin(uv: Path, source: str) -> None:
    """Write the newest versions that fit, with their hashes, and nothing of where they came
    from."""
    target = Path(source).with_suffix(".txt")
    with step("pin the layer" if source == LAYER else f"pin {target.name}"):
        output(
            f"The versions for {source} could not be chosen: see whether this machine reaches the "
            "package registry, then try again.",
            *(uv, "pip", "compile", "--quiet", "--upgrade", "--universal"),
            *("--python-version", "3.13", "--generate-hashes", "--no-header"),
            *("--no-emit-index-url", "--no-emit-find-links"),
            # What the app is tested with is what runs in Lambda.
            *(_deployed() if source == DEV else ()),
            *(("--no-deps",) if source in PACKAGES else ()),
            *(source, "--output-file", target),
        )


def _deployed() -> list[str]:
    """Constraints: the versions of all that runs in Lambda."""
    files = (source.replace(".in", ".txt") for source in (LAYER, *PACKAGES))
    return [part for file in files for part in ("-c", file)]


def pin_node_packages(uv: Path) -> None:
    """Write the newest Node packages that fit into the lock file, with their hashes and without
    addresses."""
    if not (NODE / ".made").exists():
        make(uv, "node")
    lock = NODE_PACKAGES / "package-lock.json"
    lock.unlink(missing_ok=True)
    with step("pin node/package-lock.json"):
        npm("install", "--prefix", NODE_PACKAGES, "--package-lock-only")
        locked = json.loads(lock.read_text())
        for package in locked["packages"].values():
            package.pop("resolved", None)
            package.pop("funding", None)
        lock.write_text(json.dumps(locked, indent=2) + "\n")


def main() -> None:
    if not shutil.which("git"):
        raise Problem("git is missing: install it, then try again.")
    uv = make_uv()
    if sys.argv[1:] == ["--pin"]:
        for source in (LAYER, *PACKAGES, DEV, *OTHERS):
            pin(uv, source)
        pin_node_packages(uv)
    else:
        for name in sys.argv[1:]:
            make(uv, name)


if __name__ == "__main__":
    sys.exit(exit_code(main))
