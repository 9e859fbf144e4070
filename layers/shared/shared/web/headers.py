"""Headers of a route's answers, for the API's document (tools/openapi), which adds those that all
answers have."""

from typing import Any


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
