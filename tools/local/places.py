"""Where things are, and the environments that the stack's programs run in.

Old Pythons too: it is imported before any environment exists.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
STATE: Final = ROOT / ".local"
APP_PYTHON: Final = ROOT / ".venv/bin/python"
SAM_PYTHON: Final = ROOT / ".tools/sam/bin/python"
EMULATOR_PYTHON: Final = ROOT / ".tools/emulator/bin/python"
LOCALSTRIPE_PYTHON: Final = ROOT / ".tools/localstripe/bin/python"

HOST: Final = "127.0.0.1"
REGION: Final = "eu-west-1"
STACK: Final = "bodega"
BUCKET: Final = "bodega-artifacts"
# The front's header with the base path of a request to a custom domain.
BASE_PATH: Final = "x-front-base-path"
# The emulator knows this key as its root user.
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def architecture() -> str:
    """This machine's, in AWS's words."""
    return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def clean_environment() -> dict[str, str]:
    """The variables that every program needs, and nothing else of this machine."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "USER")
    return {name: os.environ[name] for name in kept if name in os.environ}


def aws_environment(endpoint: str, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """What makes any AWS SDK talk to the emulator, and to nothing else."""
    return {
        **(clean_environment() if base is None else base),
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
