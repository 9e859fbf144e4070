"""What a route may answer with as problem+json, as OpenAPI describes it."""

from collections.abc import Mapping
from typing import Any, Final

from shared.errors import BodegaError

MEDIA_TYPE: Final = "application/problem+json"

type Responses = dict[int | str, dict[str, Any]]


def problems(when: Mapping[type[BodegaError], str]) -> Responses:
    """The `responses` of a route that refuses with these errors, each with when it does.

    What follows from a route's parameters, its body and its caller needs no mention: tools/openapi
    adds it.

    Example:
        `responses=problems({EmailTaken: "another account has it"})`
    """
    responses: Responses = {}
    for error, text in when.items():
        add_problem(responses, error, text)
    return responses


def add_problem(responses: Responses, error: type[BodegaError], text: str) -> None:
    """Add an error to responses that do not have it yet."""
    response = responses.setdefault(str(error.status), {"description": ""})
    content = response.setdefault("content", {})
    schemas = content.setdefault(MEDIA_TYPE, {"schema": {"oneOf": []}})["schema"]["oneOf"]
    schema = {"$ref": f"#/components/schemas/{schema_name(error)}"}
    if schema not in schemas:
        schemas.append(schema)
        sentences = [response["description"], f"`{error.code}`: {text}"]
        response["description"] = "\n\n".join(filter(None, sentences))


def schema_name(error: type[BodegaError]) -> str:
    """`email-taken` → `EmailTaken`."""
    return error.code.title().replace("-", "")
