"""`python -m tools.layer <folder>`: makes a folder of installed packages what the layer ships of them."""

import argparse
import shutil
from pathlib import Path
from typing import Final

from tools.layer import bytecode, ca_bundle, sdk_data
from tools.layer.changes import ALL, Change

STAND_INS: Final = Path(__file__).parent / "stand_ins"
# FastAPI asks of each type whether it is a model of pydantic's first version, and is content without an answer.
LEFT_OUT: Final = (
    "pydantic/v1",
    "boto3/data",
    "boto3/examples",
    "boto3/docs",
    "s3transfer",
    "fastapi/telemetry",
    "opentelemetry",
)


def make(folder: Path, changes: frozenset[Change] = ALL) -> None:
    """Leave in the folder what runs."""
    if Change.STAND_INS in changes:
        for path in LEFT_OUT:
            shutil.rmtree(folder / path)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(STAND_INS, folder, ignore=ignored, dirs_exist_ok=True)
    if Change.SDK_DATA in changes:
        sdk_data.prune(folder / "botocore/data")
        ca_bundle.prune(folder / "botocore/cacert.pem")
    if Change.BYTECODE in changes:
        bytecode.compile_folder(folder, compiled_for="/opt/python", changes=changes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.layer", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--without",
        type=Change,
        choices=list(Change),
        action="append",
        default=[],
        help="a change to leave out, to see what it gains",
    )
    asked = parser.parse_args()
    make(asked.folder, ALL - set(asked.without))


if __name__ == "__main__":
    main()
