"""The request at hand, carried through every hop without being a parameter of everything."""

import re
import uuid
from contextvars import ContextVar

# No "@": the id is in every log line, and no e-mail address may be.
_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """The id of the request or message being worked on; empty outside of one."""
    return _request_id.get()


def begin(proposed: str | None) -> str:
    """Start a request under the caller's id if it is sane, else under a new one; return the id."""
    chosen = proposed if proposed and _SANE.fullmatch(proposed) else uuid.uuid4().hex
    _request_id.set(chosen)
    return chosen
