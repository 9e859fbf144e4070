"""The SDK sends and reads the same with the data that tools/layer/sdk_data.py leaves of it."""

import ast
import json
import os
import subprocess
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from botocore import xform_name
from botocore.session import Session

from tests.layer import packages
from tools.layer.sdk_data import OPERATIONS, SDKS_OWN
from tools.local.places import APP_PYTHON, CREDENTIALS, ROOT

_SOURCES: Final = ("functions", "layers/shared/shared")
# Methods of our own with the name of an operation.
_NAMESAKES: Final = {"kms": {"Sign", "Verify"}, "sns": {"Publish"}}


def _calls(libraries: Path) -> list[dict[str, Any]]:
    ended = subprocess.run(
        (APP_PYTHON, "-S", "-m", "tests.layer.sdk"),
        # The SDK writes a set into its User-Agent.
        env=CREDENTIALS
        | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, libraries))), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    calls: list[dict[str, Any]] = json.loads(ended.stdout)
    return calls


def test_clients_send_and_read_the_same_with_the_shipped_data() -> None:
    shipped = _calls(packages.layer())
    published = _calls(Path(sysconfig.get_path("purelib")))
    assert len(shipped) == 3 * sum(map(len, OPERATIONS.values()))
    for ours, theirs in zip(shipped, published, strict=True):
        assert ours == theirs


@cache
def _names_in_our_code() -> set[str]:
    """All attributes, and all texts of our code."""
    nodes = [
        node
        for source in _SOURCES
        for file in (ROOT / source).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
    ]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {text for text in texts if isinstance(text, str)}


@pytest.mark.parametrize("service", sorted(OPERATIONS.keys() - SDKS_OWN))
def test_layer_has_the_operations_that_our_code_calls_and_no_others(service: str) -> None:
    called = {
        operation
        for operation in Session().get_service_model(service).operation_names
        if xform_name(operation) in _names_in_our_code()
    }
    called -= _NAMESAKES.get(service, set())
    assert called == OPERATIONS[service], "correct OPERATIONS in tools/layer/sdk_data.py"
