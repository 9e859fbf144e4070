"""What a route may answer with as problem+json, for the API's document (tools/openapi)."""

from collections.abc import Mapping
from typing import Any, Final

from shared.errors import BodegaError

# Under it the build finds the codes of a status, and takes it out again.
CODES: Final = "x-codes"


def problems(when: Mapping[type[BodegaError], str]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that refuses with these errors, each with when it does.

    What follows from a route's parameters, its body and its caller needs no mention: the build adds
    it.

    Example:
        `responses=problems({EmailTaken: "another account has it"})`
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for error, text in when.items():
        response = responses.setdefault(error.status, {"description": "", CODES: []})
        response[CODES].append(error.code)
        response["description"] += f"{'\n\n' * bool(response['description'])}`{error.code}`: {text}"
    return responses
