"""The data that tools/layer/sdk_data.py leaves of the SDK describe what our code calls."""

import ast
import gzip
import json
import re
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from botocore import xform_name
from botocore.session import Session

from tests.layer import packages
from tools.layer.sdk_data import OPERATIONS, SDKS_OWN
from tools.local.places import ROOT

_SOURCES: Final = ("functions", "layers/shared/shared")
# Methods of our own with the name of an operation.
_NAMESAKES: Final = {"kms": {"Verify"}, "sns": {"Publish"}}


def _data(libraries: Path, service: str, name: str) -> Any:
    """The newest version of a service's file, which may be compressed."""
    newest = max((libraries / "botocore/data" / service).iterdir())
    [file] = newest.glob(f"{name}.json*")
    raw = file.read_bytes()
    return json.loads(gzip.decompress(raw) if file.suffix == ".gz" else raw)


@pytest.mark.parametrize("service", OPERATIONS)
def test_layer_describes_each_operation_as_the_published_sdk(service: str) -> None:
    published_libraries = Path(sysconfig.get_path("purelib"))
    rules = "endpoint-rule-set-1"
    assert _data(packages.layer(), service, rules) == _data(published_libraries, service, rules)
    ours = _data(packages.layer(), service, "service-2")
    published = _data(published_libraries, service, "service-2")
    assert ours["operations"].keys() == OPERATIONS[service]
    assert ours["metadata"] == published["metadata"]
    for part in ("operations", "shapes"):
        assert ours[part].items() <= published[part].items()
    named = set(re.findall(r'"shape": "(\w+)"', json.dumps(ours)))
    assert named == ours["shapes"].keys()


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
