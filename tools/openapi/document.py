"""The document, with what follows for every route from what it is: its problems, headers, limits
and links."""

import importlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from tools.openapi import bodies, headers, links, problems
from tools.openapi.access import SERVICES, declared
from tools.openapi.bodies import operations
from tools.template import resources
from tools.template import services as titles

if TYPE_CHECKING:
    from fastapi.routing import RouteContext

    from shared.auth.access import Access

type Node = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"

_DESCRIPTION: Final = """\
A shop's backend: users, products, orders and notifications.

**Log in** with `POST /api/v1/auth/login` and send the `access_token` as `Authorization: Bearer …`. It is good for \
15 minutes; `POST /api/v1/auth/refresh` gives the next one. Where a token is asked for, nothing else of a request is \
looked at before it.

**Errors** are `application/problem+json` (RFC 9457); the last part of `type` is a stable code. A path that is not \
here is 404 `not-found`, and a method that a path does not take 405 `method-not-allowed`, with `Allow`. `type` is a name and \
no address. What is no HTTP, or over a limit of API Gateway (a header of 10 KB, a body of 10 MB), never reaches the API: such \
an answer is 4xx, `bad-request` or `request-refused`, and need not have a `status` member.

**URLs** may end with a slash. Paths in answers (`Location`, `base_url`) hold at the host that was asked, and begin with \
the stage at API Gateway's own. An unknown query parameter is 422 `invalid-request`.

**Requests** may carry an `X-Request-ID` (up to 128 letters, digits and `._:/+=-`): the answer, the log and every \
event that follows carry the same one. Others get a new one. Bodies are JSON (`application/json`, UTF-8) of at most 256 KB.

**Lists** are read page by page: send `next_cursor` back as `cursor` until it is null.

**Money** is a decimal string with two places. Times are RFC 3339 in UTC. Ids are opaque.

**Answers** over 1 KB are compressed for clients that ask.
"""

_WELL: Final = {"200": "Done.", "201": "Made.", "204": "Done, and there is nothing to say."}


def document(services: Sequence[str] = SERVICES) -> Node:
    """The document of these services' routes, as the contract has them."""
    from fastapi.openapi.utils import get_openapi
    from fastapi.routing import iter_route_contexts

    from gateway import NAME, VERSION

    routes = [
        route
        for service in services
        for route in iter_route_contexts(importlib.import_module(f"{service}.api").router.routes)
    ]
    made = get_openapi(
        title=NAME,
        version=VERSION,
        description=_DESCRIPTION,
        routes=routes,
        tags=[_tag(service) for service in services],
        # Relative to the document, so that it holds behind the stage of API Gateway's own host name
        # as well.
        servers=[{"url": ".", "description": "Where this document is"}],
    )
    access = declared(services)
    for path, method, operation in operations(made):
        _finish(operation, access[method.upper(), path])
    _check_ids(routes, made)
    schemas = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    made = _renamed(made)
    links.add(made)
    bodies.finish(made)
    problems.add_schemas(made)
    made["components"] |= {
        "responses": problems.responses(),
        "headers": headers.HEADERS,
        "parameters": headers.PARAMETERS,
        "securitySchemes": {
            "bearerAuth": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "An access token (RFC 9068), from `logIn` or `refreshTokens`.",
            }
        },
    }
    return made


def _tag(service: str) -> Node:
    function = resources("AWS::Serverless::Function")[f"{titles()[service]}Api"]
    return {"name": service.replace("_", "-"), "description": function["Description"]}


def _check_ids(routes: Sequence["RouteContext"], made: Node) -> None:
    """FastAPI makes an id up for a route that has none, and two methods of one route would share
    theirs."""
    given = sorted(route.operation_id or "" for route in routes if route.include_in_schema)
    found = sorted(operation["operationId"] for *_, operation in operations(made))
    assert given == found, f"{given} are not {found}"


def _finish(operation: Node, access: "Access") -> None:
    said = operation.get("description")
    operation["description"] = "\n\n".join(filter(None, [f"For {access}.", said]))
    if access.reads_token:
        operation["security"] = [{"bearerAuth": []}, *([{}] if access.is_public else [])]
    for parameter in operation.setdefault("parameters", []):
        _finish_parameter(parameter)
    responses = operation["responses"]
    if "HTTPValidationError" in json.dumps(responses.get("422")):
        del responses["422"]
    problems.finish(
        responses,
        parameters={(p["in"], p["name"]) for p in operation["parameters"]},
        has_body="requestBody" in operation,
        needs_caller=access.reads_token,
    )
    for status, response in responses.items():
        if response.get("description") == "Successful Response":
            response["description"] = _WELL[status]
    headers.finish(responses)
    operation["parameters"].append({"$ref": "#/components/parameters/X-Request-ID"})
    operation["responses"] = dict(sorted(responses.items()))


def _finish_parameter(parameter: Node) -> None:
    schema = parameter["schema"]
    if schema.pop("x-required", False):
        parameter["required"] = True
    may_be_blank = schema.pop("x-or-blank", False)
    for twice in ("title", "description"):
        schema.pop(twice, None)
    # FastAPI says "or null" of whatever may be left out, but a query or a header cannot be null.
    schema = bodies.without_null(schema)
    if may_be_blank:
        examples = {"examples": schema.pop("examples")} if "examples" in schema else {}
        schema = {"anyOf": [*schema.get("anyOf", [schema]), {"const": ""}], **examples}
    parameter["schema"] = schema


def _renamed(made: Node) -> Node:
    """Schemas whose names clash bear their modules' (`orders__models__Line`): `OrdersLine` reads
    better."""
    schemas = made["components"]["schemas"]
    shorter: dict[str, str] = {}
    for name in schemas:
        service, *_modules, last = name.split("__") if "__" in name else ("", name)
        new = service.title() + last
        if new not in schemas and new not in shorter.values():
            shorter[name] = new
    text = json.dumps(made)
    for old, new in shorter.items():
        text = text.replace(f'"{_SCHEMAS}{old}"', f'"{_SCHEMAS}{new}"')
    renamed: Node = json.loads(text)
    renamed["components"]["schemas"] = {
        shorter.get(name, name): schema
        for name, schema in sorted(renamed["components"]["schemas"].items())
    }
    return renamed
