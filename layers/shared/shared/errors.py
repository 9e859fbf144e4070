"""Errors that a client may see, each with its HTTP status and its code of the contract.

OwnError
├─ TemporaryFailure
└─ BodegaError
   ├─ MalformedJson           400
   ├─ InvalidCursor           400
   ├─ Unauthenticated         401
   ├─ Forbidden               403
   ├─ NotFound                404   (services subclass it: order-not-found, …)
   ├─ MethodNotAllowed        405
   ├─ Conflict                409   (services subclass it: email-taken, out-of-stock, …)
   ├─ PayloadTooLarge         413
   ├─ UnsupportedMediaType    415
   ├─ InvalidRequest          422
   ├─ InternalError           500
   └─ ServiceUnavailable      503
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, TypedDict
from urllib.parse import quote

_MAX_ERRORS: Final = 20


class FieldError(TypedDict):
    """One thing wrong with a request: a JSON pointer (RFC 6901, as a fragment) and what is wrong
    there."""

    pointer: str
    detail: str


class OwnError(Exception):
    """An error whose text Bodega's code has written and which repeats no personal data: logs and
    dead letters may show it. Every error class of Bodega derives from it; of all others only the
    class and the place are shown."""


class TemporaryFailure(OwnError):
    """A service behind failed, was not reached or refused for want of capacity: the same may
    succeed later."""


class BodegaError(OwnError):
    """A fact that is answered as problem+json; keyword arguments become its extension members."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong"
    # Where in the request a 422's cause is, for those that do not list several.
    pointer: ClassVar[str] = "#"
    # JSON Schemas of the extension members, for the API's document.
    members: ClassVar[Mapping[str, object]] = {}

    def __init__(self, detail: str = "", **data: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.data = data

    @property
    def headers(self) -> Mapping[str, str]:
        """HTTP headers that belong to this answer."""
        return {}


class MalformedJson(BodegaError):
    status, code, title = 400, "malformed-json", "The body is not JSON"


class InvalidCursor(BodegaError):
    status, code, title = 400, "invalid-cursor", "The cursor is not one of this list's"


class Unauthenticated(BodegaError):
    status, code, title = 401, "unauthenticated", "A valid access token is needed"

    @property
    def headers(self) -> Mapping[str, str]:
        # RFC 6750, section 3: a challenge names the scheme, and an error only where a token was
        # sent.
        error = ', error="invalid_token"' if self.data.get("reason") else ""
        return {"WWW-Authenticate": f'Bearer realm="bodega"{error}'}


class Forbidden(BodegaError):
    status, code, title = 403, "forbidden", "You are not allowed to do this"


class NotFound(BodegaError):
    status, code, title = 404, "not-found", "There is nothing here"


class MethodNotAllowed(BodegaError):
    status, code, title = 405, "method-not-allowed", "This path does not take that method"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"Use one of: {', '.join(allowed)}." if allowed else "")
        self.allowed = tuple(allowed)

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class Conflict(BodegaError):
    status, code, title = 409, "conflict", "The request conflicts with what is there"


class PayloadTooLarge(BodegaError):
    status, code, title = 413, "payload-too-large", "The body is larger than 256 KB"


class UnsupportedMediaType(BodegaError):
    status, code, title = 415, "unsupported-media-type", "Bodies are application/json"


class InvalidRequest(BodegaError):
    status, code, title = 422, "invalid-request", "The request is not valid"

    def __init__(self, errors: Sequence[FieldError], detail: str = "") -> None:
        # The first ones only: a body may have more than ten thousand.
        listed = list(errors[:_MAX_ERRORS])
        super().__init__(detail or "; ".join(e["detail"] for e in listed[:3]), errors=listed)


class InternalError(BodegaError):
    status, code, title = 500, "internal-error", "Something went wrong on our side"


class ServiceUnavailable(BodegaError, TemporaryFailure):
    status, code, title = 503, "service-unavailable", "A service behind this one does not answer"

    def __init__(self, service: str, *, retry_after: int) -> None:
        super().__init__(f"The {service} service does not answer; try again in {retry_after} s.")
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)}


class Contended(ServiceUnavailable):
    """Concurrent writers of the same data came first at every attempt: a refusal to this caller,
    and no sign that a service is down."""

    def __init__(self) -> None:
        super().__init__("database", retry_after=1)
        self.detail = "Too many requests change the same data at once; try again in 1 s."


class CloudUnavailable(ServiceUnavailable):
    """AWS throttled a call, failed it or was not reached: nothing is wrong with the request."""

    def __init__(self) -> None:
        # Longer than the two seconds for which an order's key is held to be in progress
        # (orders.service).
        super().__init__("cloud", retry_after=3)


def problem(error: BodegaError, *, instance: str, request_id: str) -> dict[str, object]:
    """The RFC 9457 document of an error."""
    data = {k: v for k, v in error.data.items() if k != "reason"}
    if error.status == 422:
        data.setdefault("errors", [FieldError(pointer=error.pointer, detail=error.detail)])
    return {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        # A URI reference, so what no URI may hold is escaped.
        "instance": quote(instance, safe="/:@!$&'()*+,;=~"),
        "request_id": request_id,
        **data,
    }
