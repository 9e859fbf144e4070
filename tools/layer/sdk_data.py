"""Change `sdk_data`: of botocore's data and event handlers, only those of the operations that the
shop calls.

botocore builds clients from JSON files that describe all operations of a service, and copies the
event handlers of all services into each client.
"""

import ast
import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tools.layer.changes import LibraryChanged

# What functions call. Another operation is not a method of the client; another service raises
# UnknownServiceError.
OPERATIONS: Final = {
    "cloudwatch": {"DescribeAlarms", "GetMetricData"},
    "codedeploy": {
        "BatchGetDeploymentTargets",
        "ListDeploymentTargets",
        "PutLifecycleEventHookExecutionStatus",
    },
    "dynamodb": {
        "BatchGetItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "TransactWriteItems",
        "UpdateItem",
    },
    "kms": {"Decrypt", "Encrypt", "GetPublicKey"},
    "lambda": {"Invoke"},
    "sesv2": {"SendEmail"},
    "sns": {"PublishBatch"},
    "sqs": {
        "ChangeMessageVisibility",
        "DeleteMessage",
        "GetQueueAttributes",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    },
    "ssm": {"GetParameter"},
    "sts": {"AssumeRole"},
}
# botocore itself calls STS for credentials.
SDKS_OWN: Final = {"sts"}
# A client needs these. The other files are for paginators, waiters and examples.
_MODELS: Final = ("service-2", "endpoint-rule-set-1")
# Prefixes of endpoints; two services have another one than their names.
_PREFIXES: Final = {"email", "monitoring", *OPERATIONS} - {"cloudwatch", "sesv2"}


def prune(data: Path) -> None:
    """Leave in botocore's `data` folder what clients of OPERATIONS need, as plain JSON.

    Raises:
        LibraryChanged: a service or an operation does not exist.
    """
    for service in OPERATIONS:
        if not (data / service).is_dir():
            raise LibraryChanged("sdk_data", f"botocore/data/{service}", "does not exist any more")
    for folder in [path for path in data.iterdir() if path.is_dir()]:
        # A service's folder has one for each version of its API, named by its date.
        newest = max(folder.iterdir())
        for version in folder.iterdir():
            if folder.name not in OPERATIONS or version != newest:
                shutil.rmtree(version)
        if folder.name not in OPERATIONS:
            folder.rmdir()
    for file in list(data.rglob("*.json*")):
        _rewrite(file, keep=file.parent == data or file.name.partition(".")[0] in _MODELS)
    _prune_endpoints(data / "endpoints.json")


def _rewrite(file: Path, *, keep: bool) -> None:
    raw = file.read_bytes()
    file.unlink()
    if not keep:
        return
    content = json.loads(gzip.decompress(raw) if file.suffix == ".gz" else raw)
    if file.name.startswith("service-2"):
        _prune_service(content, OPERATIONS[file.parent.parent.name])
    _write(file.with_name(file.name.removesuffix(".gz")), content)


def _write(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False))


def _prune_service(model: dict[str, Any], operations: set[str]) -> None:
    """Leave these operations, and the shapes that they refer to."""
    if missing := sorted(operations - model["operations"].keys()):
        service = model["metadata"]["serviceId"]
        raise LibraryChanged("sdk_data", f"botocore's model of {service}", f"lacks {missing}")
    model["operations"] = {name: model["operations"][name] for name in sorted(operations)}
    kept: dict[str, Any] = {}
    waiting = list(_shapes(model["operations"]))
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = model["shapes"][name]
            waiting += _shapes(kept[name])
    model["shapes"] = kept


def _shapes(node: Any) -> Iterator[str]:
    """The names of all shapes that the node refers to."""
    if isinstance(node, dict):
        if isinstance(name := node.get("shape"), str):
            yield name
        for value in node.values():
            yield from _shapes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _shapes(value)


def _prune_endpoints(file: Path) -> None:
    endpoints = json.loads(file.read_text())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in _PREFIXES & services.keys()}
    _write(file, endpoints)


def without_other_services(path: str, tree: ast.Module) -> None:
    """Remove the event handlers and aliases of other services from a module of botocore."""
    if path == "botocore/utils.py":
        aliases = _assigned(path, tree, "EVENT_ALIASES", ast.Dict)
        pairs = zip(aliases.keys, aliases.values, strict=True)
        kept = [(key, value) for key, value in pairs if _text(value) in OPERATIONS]
        aliases.keys, aliases.values = [key for key, _ in kept], [value for _, value in kept]
    elif path == "botocore/handlers.py":
        handlers = _assigned(path, tree, "BUILTIN_HANDLERS", ast.List)
        handlers.elts = [handler for handler in handlers.elts if _is_ours(handler)]


def _assigned[N: ast.expr](path: str, tree: ast.Module, name: str, kind: type[N]) -> N:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            value = node.value
            if isinstance(value, kind):
                return value
    raise LibraryChanged("sdk_data", path, f"has no {kind.__name__.lower()} {name}")


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_ours(handler: ast.expr) -> bool:
    """Whether the handler's event is one of all services or one of ours; `before-call.s3.GetObject`
    is of S3."""
    assert isinstance(handler, ast.Tuple)
    event, _, rest = _text(handler.elts[0]).partition(".")
    return event != "docs" and rest.partition(".")[0] in ("", "*", *OPERATIONS)
