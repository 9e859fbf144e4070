"""Links: what may be done next with the id or the cursor that an answer gives. A route declares
other links itself."""

from typing import Any

type Node = dict[str, Any]


def add(paths: Node) -> None:
    """Link each collection to the operations on its items, and each page to the next one."""
    for path, methods in paths.items():
        of_items = [
            operation
            for item, found in paths.items()
            # Without those that need another id as well.
            if item.startswith(f"{path}/{{id}}") and "{" not in item.removeprefix(f"{path}/{{id}}")
            for operation in found.values()
        ]
        if not of_items:
            continue
        if "post" in methods:
            for operation in of_items:
                _link(methods["post"], "201", operation, id="$response.body#/id")
        if "get" in methods:
            member = path.rpartition("/")[2].replace("-", "_")
            _link(methods["get"], "200", of_items[0], id=f"$response.body#/{member}/0/id")
            _link(methods["get"], "200", methods["get"], cursor="$response.body#/next_cursor")


def _link(source: Node, status: str, target: Node, **parameters: str) -> None:
    links = source["responses"][status].setdefault("links", {})
    name = target["operationId"]
    links[name] = {"operationId": name, "parameters": parameters}
