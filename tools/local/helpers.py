"""`/_local/…`: what the console has on the local shop only, beside the API.

Another site's page whose name was pointed at this machine must not read it, and no other site's
page may change anything.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from tools.local import mail, stack
from tools.local.gateway import Answer
from tools.local.places import HOST, STACK
from tools.progress import Problem

if TYPE_CHECKING:
    from faults.plan import Fault
    from tools.local.arguments import Where

PREFIX: Final = "/_local/"
_FEATURES: Final = ["mail", "faults", "timeline"]

_ORDERS: Final = "/_local/orders/"
_TIMELINE: Final = "/timeline"


async def answer(
    client: httpx.AsyncClient, emulator: httpx.URL, scope: Mapping[str, Any], body: bytes
) -> Answer:
    """The answer to a request below /_local/.

    Args:
        emulator: its address.

    Raises:
        httpx.HTTPError, OSError: the emulator does not answer.
    """
    if refusal := _refusal(scope):
        return _problem(403, refusal)
    shop = _shop(str(emulator).rstrip("/"))
    match scope["method"], scope["path"]:
        case "GET", "/_local/":
            return _json(200, {"features": _FEATURES})
        case "GET", mail.PATH:
            sent = await client.get(emulator.copy_with(raw_path=mail.EMULATOR_PATH.encode()))
            to = parse_qs(scope["query_string"].decode()).get("to", [None])[0]
            return _json(200, {"mails": mail.mails(sent.json(), to)})
        case method, path:
            # boto3 blocks, and the front serves all requests in one thread.
            try:
                return await asyncio.to_thread(_of_the_stack, shop, method, path, body)
            except (Problem, BotoCoreError, ClientError) as cause:
                return _problem(503, str(cause))


def _refusal(scope: Mapping[str, Any]) -> str:
    """Why the request is refused; empty if it is not."""
    asked = dict(scope["headers"])
    if asked.get(b"host", b"").partition(b":")[0].decode() not in (HOST, "localhost"):
        return "This address is for pages of this machine."
    if scope["method"] in ("GET", "HEAD"):
        return ""
    is_json = asked.get(b"content-type", b"").partition(b";")[0].strip() == b"application/json"
    if not is_json or asked.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
        return "Only the console writes here, and it sends JSON."
    return ""


def _of_the_stack(shop: Callable[[], "Where"], method: str, path: str, body: bytes) -> Answer:
    match method, path:
        case "GET", "/_local/faults":
            return _faults(shop)
        case "POST", "/_local/faults":
            return _switch_on(shop, body)
        case "DELETE", "/_local/faults":
            return _write(shop(), "{}", None)
        case "GET", _ if path.startswith(_ORDERS) and path.endswith(_TIMELINE):
            return _timeline(shop, path.removeprefix(_ORDERS).removesuffix(_TIMELINE))
    return _problem(404, "The local shop has nothing at this address.")


def _shop(endpoint: str) -> Callable[[], "Where"]:
    def where() -> "Where":
        # These modules import the front's.
        from tools.local.arguments import Where

        return Where(stack.session(), endpoint, STACK, "")

    return where


def _faults(shop: Callable[[], "Where"]) -> Answer:
    from tools import fault  # it imports the front's modules

    where = shop()
    return _as_json(fault.current(where.client("ssm"), fault.parameter(where)))


def _as_json(on: "Fault | None") -> Answer:
    found = [
        {
            "target": one.target,
            "kind": one.kind,
            "rate": one.rate,
            "until": datetime.fromtimestamp(one.until, UTC).isoformat().replace("+00:00", "Z"),
        }
        for one in (on,)
        if one
    ]
    from faults import plan  # only the front's process has its folder in the path

    targets = [{"name": name, "text": text} for name, text in plan.TARGETS.items()]
    kinds = [{"name": name, "text": text} for name, text in plan.KINDS.items()]
    return _json(200, {"on": found, "targets": targets, "kinds": kinds})


def _switch_on(shop: Callable[[], "Where"], body: bytes) -> Answer:
    from tools import fault  # it imports the front's modules

    try:
        asked = json.loads(body)
        texts = [str(asked.get(name, "")) for name in ("target", "kind", "rate", "seconds")]
        new = fault.asked(texts[0], texts[1], texts[2], texts[3], time.time())
    except (ValueError, AttributeError, RecursionError):
        return _problem(400, "Send a JSON object with target, kind, rate and seconds.")
    except Problem as cause:
        return _problem(422, str(cause))
    return _write(shop(), new.written(), new)


def _write(where: "Where", value: str, on: "Fault | None") -> Answer:
    from tools import fault  # it imports the front's modules

    name = fault.parameter(where)
    where.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    return _as_json(on)


def _timeline(shop: Callable[[], "Where"], id_: str) -> Answer:
    from tools.timeline import __main__ as timeline  # it imports the front's modules

    rows = timeline.rows_of(timeline.Shop(shop()), id_)
    return _problem(404, "There is no such order.") if rows is None else _json(200, {"rows": rows})


def _json(status: int, content: Any) -> Answer:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return status, headers, json.dumps(content).encode()


def _problem(status: int, detail: str) -> Answer:
    _, _, content = _json(status, {"title": "Local shop", "status": status, "detail": detail})
    return status, [(b"content-type", b"application/problem+json")], content
