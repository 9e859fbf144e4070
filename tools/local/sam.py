"""`sam build` and `sam deploy`, with a sentence instead of a page on failure."""

import fcntl
import hashlib
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from tools.local import adapt, processes
from tools.local.places import HOST, ROOT, SAM_PYTHON, STATE, aws_environment
from tools.progress import Problem
from tools.template import template

BUILD: Final = ROOT / ".aws-sam/local"
_SOURCES: Final = (
    "functions",
    "layers",
    "template.yaml",
    "samconfig.toml",
    "tools/layer",
    "tools/openapi",
    "tools/language_extensions.py",
    "tools/template.py",
    "tools/local/adapt.py",
)
_HOME: Final = ROOT / ".tools/sam/home"
_NEVER: Final = 4102444800  # 2100-01-01


def parameters(environment: str) -> dict[str, str]:
    """All of the template's parameters: their defaults, and the environment's of samconfig.toml."""
    defaults = {name: str(one["Default"]) for name, one in template()["Parameters"].items()}
    overrides = settings(environment)["parameter_overrides"]
    return {**defaults, **dict(override.split("=", 1) for override in overrides)}


def overriding(parameters: Mapping[str, str]) -> list[str]:
    """SAM's argument for the values; an update keeps the deployed values of the others."""
    # SAM takes an empty value only in quotes.
    return ["--parameter-overrides", *(f'{name}="{v}"' for name, v in parameters.items())]


def settings(environment: str) -> dict[str, Any]:
    """What samconfig.toml says of deployments to an environment."""
    deployment: dict[str, Any] = _config()[environment]["deploy"]["parameters"]
    return deployment


def cloud_environments() -> list[str]:
    """The environments of samconfig.toml that are deployed into an account."""
    return [name for name, one in _config().items() if name != "local" and "deploy" in one]


def _config() -> dict[str, Any]:
    """The environments of samconfig.toml, with the parameters of each command."""
    file = tomllib.loads((ROOT / "samconfig.toml").read_text())
    return {name: one for name, one in file.items() if name != "version"}


def build(log: Path, folder: Path, *, config: str, platform: str) -> None:
    """Run `sam build`.

    Args:
        log: where all that it says goes.
        folder: where the packages go.
        config: the environment of samconfig.toml.
        platform: what the layer is built for: host, arm64 or x86_64.
    """
    # The installer may need this machine's proxies and certificates; AWS settings it does not.
    base = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PYTHON"))}
    environment = {**base, "LAMBDA_PLATFORM": platform}
    command = ["build", "--config-env", config, "--build-dir", str(folder)]
    said = run(command, environment, log)
    if said is not None:
        raise Problem(f"The build failed: {said}\n  Everything it said: {processes.shown(log)}")


def build_if_changed(log: Path, folder: Path = BUILD, platform: str = "host") -> bool:
    """Build unless the sources are those of the last build; True when it built.

    Only one at a time: a running shop and the tests share the built packages.
    """
    with _locked("build"):
        stamp, now = folder / ".sources", sources()
        if stamp.exists() and stamp.read_text() == now:
            return False
        stamp.unlink(missing_ok=True)
        build(log, folder, config="local", platform=platform)
        _adapt(folder / "template.yaml")
        stamp.write_text(now)
        return True


def _adapt(file: Path) -> None:
    """Adapt the built template to the emulator, and write it as JSON, which SAM parses faster."""
    built = yaml.safe_load(file.read_text())
    adapt.adapt(built)
    file.write_text(json.dumps(built, indent=1))


def built(resource: str) -> dict[str, Any]:
    """The properties of a resource of the built template."""
    template = json.loads((BUILD / "template.yaml").read_text())
    properties: dict[str, Any] = template["Resources"][resource]["Properties"]
    return properties


def sources() -> str:
    """A hash of all that goes into a build."""
    digest = hashlib.sha256(os.environ.get("LAYER", "fast").encode())
    for path in sorted(_files()):
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for source in _SOURCES:
        path = ROOT / source
        if path.is_file():
            yield path
        for file in path.rglob("*") if path.is_dir() else ():
            if file.is_file() and "__pycache__" not in file.parts:
                yield file


def deploy(endpoint: str, overrides: Mapping[str, str], log: Path) -> str | None:
    """Run `sam deploy` into the emulator; returns its last words when it fails."""
    merged = {**parameters("local"), **overrides}
    command = ["deploy", "--config-env", "local", *overriding(merged)]
    with _locked("build"):
        return run(command, aws_environment(endpoint), log)


def run(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> str | None:
    """Run the SAM CLI quietly; returns None, or its error in one line."""
    log.parent.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        (SAM_PYTHON, "-m", "samcli", *arguments),
        cwd=ROOT,
        env={**environment, **quiet()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    log.write_text(result.stdout)
    if result.returncode == 0:
        return None
    return _last_words(result.stdout)


def _last_words(said: str) -> str:
    """The error without its traceback, and without what make adds to it."""
    error = said[max(said.rfind("\nError: "), 0) :]
    lines = [line.strip() for line in error.splitlines()]
    words = [line for line in lines if line and not line.startswith("make")]
    return (words or ["it gave no reason"])[-1].removeprefix("Error: ")


def quiet() -> dict[str, str]:
    """Keep it off the network, and from waiting 5 s between two looks at a deployment."""
    metadata = _HOME / "metadata.json"
    if not metadata.exists():
        _HOME.mkdir(parents=True, exist_ok=True)
        # Without this it asks the package registry for a newer version of itself.
        metadata.write_text(json.dumps({"telemetryEnabled": False, "lastVersionCheck": _NEVER}))
    return {
        "__SAM_CLI_APP_DIR": str(_HOME),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.3",
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
    }


@contextmanager
def _locked(name: str) -> Iterator[None]:
    STATE.mkdir(exist_ok=True)
    with (STATE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
