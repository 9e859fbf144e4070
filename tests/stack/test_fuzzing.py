"""Every answer of the deployed API is one that its own document describes: schemathesis."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import schemathesis
from schemathesis import Case, Response, engine
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.engine import events
from schemathesis.openapi.checks import RejectedPositiveData

from tests.support.client import PASSWORD, Client
from tools.local.shop import Shop

_PHASES: Final = {"examples": True, "fuzzing": True, "coverage": False, "stateful": False}
# Refusals that depend on what is stored, or on the caller: no schema can express them.
_BEYOND_SCHEMAS: Final = {
    "idempotency-key-reused",
    "invalid-cursor",
    "unknown-product",
    "version-conflict",
}
_RULES_ACROSS_VALUES: Final = (
    "at most 1000 of one product",
    "is needed to set a new password",
    "must have at most 10 words",
    "must not be above max_price",
)
_CONFIG: Final[Mapping[str, Any]] = {
    "seed": 1,
    "continue-on-failure": True,
    "suppress-health-check": ["all"],
    # Its own sign-up would give the anonymous caller an account.
    "auth": {"auto-signup": False},
    "cache": {"enabled": False},
    "warnings": False,
    # Deactivated accounts and withdrawn products stay visible, by the API's design.
    "checks": {"use_after_free": {"enabled": False}},
    "generation": {"no-shrink": True, "database": "none", "max-examples": 2},
    "phases": {name: {"enabled": is_on} for name, is_on in _PHASES.items()},
    # API Gateway itself times out after 29 s.
    "request-timeout": 40,
}


def fuzz(document: dict[str, Any], base_url: str, token: str | None) -> tuple[int, dict[str, str]]:
    """Send requests for every operation in the document; return their number, and the failures."""
    config = schemathesis.Config.from_dict(dict(_CONFIG))
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.config.base_url = base_url

    @schema.hook
    def filter_failure(
        _context: object, failure: Failure, case: Case[Any], response: Response
    ) -> bool:
        return not _is_meant(failure, case, response)

    if token:
        bearer = f"Bearer {token}"

        @schema.auth(refresh_interval=None)
        class _Token:
            def get(self, _case: Case[Any], _context: object) -> str:
                return bearer

            def set(self, case: Case[Any], data: str, _context: object) -> None:
                case.headers["Authorization"] = data

    requests, failures = 0, dict[str, str]()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            requests += len(event.recorder.interactions)
            failures |= _failures(event)
        elif isinstance(event, events.NonFatalError):
            failures[f"{event.label}: {type(event.value).__name__}"] = str(event.value)
        elif isinstance(event, events.FatalError):
            raise event.exception
    return requests, failures


def _failures(finished: events.ScenarioFinished) -> Iterator[tuple[str, str]]:
    recorder = finished.recorder
    for id_, results in recorder.checks.items():
        operation = recorder.cases[id_].value.operation.label
        for found in (result.failure_info for result in results):
            if found:
                answer = recorder.interactions[id_].response
                came = f"{answer.status_code} {answer.text}" if answer else "no answer"
                text = f"{found.failure.message}\n{found.code_sample}\n→ {came}"
                yield f"{operation}: {found.failure.title}", text


def _is_meant(failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether the API is right, and its document cannot express why."""
    if isinstance(failure, AcceptedNegativeData):
        # Blanks around an address are cut off.
        return _email(case) != _email(case).strip()
    if not isinstance(failure, RejectedPositiveData):
        return False
    problem = response.json()
    code = problem["type"].rpartition("/")[2]
    if code == "malformed-json":
        return _has_noncharacters(case.body)
    if code == "invalid-request":
        details = [error["detail"] for error in problem["errors"]]
        has_rule = any(rule in detail for rule in _RULES_ACROSS_VALUES for detail in details)
        return has_rule or _email(case).endswith(".invalid")
    return code in _BEYOND_SCHEMAS


def _email(case: Case[Any]) -> str:
    email = case.body.get("email") if isinstance(case.body, dict) else None
    return email if isinstance(email, str) else ""


def _has_noncharacters(body: object) -> bool:
    """Whether it has code points that JSON may carry and text must not (RFC 7493, section 2.1).

    U+FFFD is a character, which the gateway writes in place of those.
    """
    codes = map(ord, json.dumps(body, ensure_ascii=False, default=str))
    return any(c & 0xFFFE == 0xFFFE or 0xFDD0 <= c <= 0xFDEF or c == 0xFFFD for c in codes)


def test_every_answer_is_in_the_document(shop: Shop, http: httpx.Client, admin: Client) -> None:
    account, customer = Client(http).register(), Client(http).register()
    path = f"/api/v1/users/{(other_admin := Client(http).register()).user['id']}"
    assert admin.put(path, {"role": "admin"}).status_code == 200
    document = http.get("/openapi.json").json()
    # What no document can have: a product, an account, and its refresh token.
    for model, member, value in (
        ("OrderItemRequest", "product_id", admin.add_product(stock=1_000_000)["id"]),
        ("LogInRequest", "email", account.user["email"]),
        ("LogInRequest", "password", PASSWORD),
        ("RefreshTokenRequest", "refresh_token", account.refresh_token),
    ):
        document["components"]["schemas"][model]["properties"][member]["examples"] = [value]
    tokens = (None, customer.token, other_admin.log_in().token)
    with ThreadPoolExecutor(len(tokens)) as pool:
        ended = list(pool.map(lambda token: fuzz(document, f"{shop.url}/live", token), tokens))
    failures = [f"{name}\n{text}" for _, found in ended for name, text in found.items()]
    assert not failures, "\n\n".join(failures)
    assert sum(requests for requests, _ in ended) > 150
