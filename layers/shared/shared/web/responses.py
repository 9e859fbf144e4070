"""What a route's `responses` say of its answers, for the API's document (tools/openapi), which adds
what all answers have."""

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


def header(
    name: str, description: str, *, always: bool = True, type_: str = "string", **schema: Any
) -> dict[str, Any]:
    """One header of an answer.

    Args:
        always: whether no answer comes without it.
        schema: what else JSON Schema says of it, such as `const`.
    """
    declared = {"schema": {"type": type_, **schema}, "description": description}
    return {name: declared | ({"required": True} if always else {})}


def location(description: str) -> dict[str, Any]:
    """Where the new thing is."""
    return header("Location", description, format="uri-reference")


def replayed(description: str) -> dict[str, Any]:
    """That nothing was done this time."""
    return header("Idempotent-Replayed", description, always=False, enum=["true"])
