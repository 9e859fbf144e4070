"""`make client`; tests/stack/test_smoke.py takes the Python client through a whole shop."""

import importlib
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import httpx
import pytest

from tests.support.generated import Operation, operations
from tools import clients


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("clients") / "python"
    clients.make_python(target)
    return target


@pytest.fixture(scope="module")
def functions(package: Path) -> dict[str, Operation]:
    """The client's function for each operation; all of its modules can be imported."""
    return {operation.name: operation for operation in operations(package)}


def _hints(operation: Operation, name: str) -> dict[str, Any]:
    hint = get_type_hints(operation.call)[name]
    return {kind.__name__: kind for kind in get_args(hint) or (hint,)}


def test_each_body_of_a_request_has_a_class(functions: dict[str, Operation]) -> None:
    bodies = {
        name: kinds.keys() - {"Unset"}
        for name, operation in functions.items()
        if "body" in get_type_hints(operation.call) and (kinds := _hints(operation, "body"))
    }
    assert bodies["refundOrder"] == {"RefundOfItems", "RefundOfAmount"}
    assert [name for name, kinds in bodies.items() if not kinds or "Any" in kinds] == []


def test_problem_of_each_code_has_a_class_with_its_members(
    package: Path, functions: dict[str, Operation]
) -> None:
    problem = {"title": "t", "status": 409, "detail": "d", "instance": "/", "request_id": "r"}
    short = {"product_id": "p", "requested": 3, "available": 2}

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(409, json={"type": "/problems/out-of-stock", **problem, **short})

    client = importlib.import_module(f"{clients.PACKAGE}.client").Client(
        base_url="http://shop.example", httpx_args={"transport": httpx.MockTransport(answer)}
    )
    order = _hints(functions["placeOrder"], "body")["OrderRequest"](items=[])
    parsed = functions["placeOrder"].call(client=client, body=order, idempotency_key="k").parsed
    assert type(parsed).__name__ == "OutOfStock"
    assert (parsed.product_id, parsed.requested, parsed.available) == ("p", 3, 2)


def test_no_operation_takes_a_cookie(functions: dict[str, Operation]) -> None:
    """HTTP libraries keep cookies by themselves; a generated client would send an empty one."""
    assert [n for n, o in functions.items() if any(p["in"] == "cookie" for p in o.parameters)] == []


def test_new_client_replaces_the_old_one_whole(package: Path, tmp_path: Path) -> None:
    target = tmp_path / "typescript"
    target.mkdir()
    (target / "old.txt").touch()
    clients.make_typescript(target)
    assert {file.name for file in target.iterdir()} == {"api.d.ts", "package.json"}
    assert list(tmp_path.iterdir()) == [target]


def test_typescript_request_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    clients.make_typescript(tmp_path / "typescript")
    types = (tmp_path / "typescript/api.d.ts").read_text()
    found = re.findall(r"@default false\s+\*/\s+(\w+\??):", types)
    assert set(found) == {"restock?", "paid_otherwise?"}
