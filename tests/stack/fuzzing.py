"""Schemathesis against the deployed API: requests by its own document, as several callers."""

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from schemathesis import Case, Response, engine
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.engine import events
from schemathesis.openapi.checks import RejectedPositiveData

from tests.support.client import Client

PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
_TOKEN_SECONDS: Final = 600  # an access token expires after 15 minutes
# Refusals that depend on what is stored, or on the caller: no schema can express them.
_BEYOND_SCHEMAS: Final = {
    "bad-token",
    "idempotency-key-reused",
    "invalid-cursor",
    "unknown-product",
    "version-conflict",
}
_RULES_ACROSS_VALUES: Final = (
    "at most 1000 of one product",
    "is needed for this change",
    "please choose another",
    "must be a name",
    "must have at most 10 words",
    "must come without other parameters",
    "must have at most 50 ids",
    "must not be above max_price",
)
# Schemathesis sends no HEAD, and the gateway refuses TRACE before it looks for a route.
_METHODS_OF_GATEWAY: Final = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"]
_OF_ENDED_ACCOUNTS: Final = ("/problems/unauthenticated", "/problems/account-inactive")


@dataclass
class Identity:
    """A caller: anonymous, or the account that `make` registers.

    The fuzzer finds the account of its own identity, and changes or deactivates it; then `make`
    registers another one. Requests for the accounts of `spared` go to an unknown id instead.
    """

    name: str
    make: Callable[[], Client] | None = None
    spared: frozenset[str] = frozenset()
    _client: Client | None = None
    _until: float = 0

    def client(self) -> Client:
        assert self.make, "an anonymous caller has no account"
        if self._client is None:
            self._client = self.make()
        elif time.monotonic() > self._until:
            self._client.log_in()
        else:
            return self._client
        self._until = time.monotonic() + _TOKEN_SECONDS
        return self._client

    def observe(self, case: Case[Any], response: Response) -> None:
        """Drop the account if this was its end, or the end of its session."""
        client = self._client
        if client is None:
            return
        own = case.path_parameters.get("id") == client.user["id"]
        is_changed = own and case.method in ("PUT", "DELETE") and response.status_code == 200
        used = response.request.headers.get("Authorization") == f"Bearer {client.token}"
        is_over = used and any(code in response.text for code in _OF_ENDED_ACCOUNTS)
        if is_changed or is_over:
            self._client = None


@dataclass
class Findings:
    """The number of requests, and the failures with their details."""

    requests: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, finished: events.ScenarioFinished) -> None:
        recorder = finished.recorder
        self.requests += len(recorder.interactions)
        for id_, results in recorder.checks.items():
            operation = recorder.cases[id_].value.operation.label
            for found in (result.failure_info for result in results):
                if found:
                    answer = recorder.interactions[id_].response
                    came = f"{answer.status_code} {answer.text}" if answer else "no answer"
                    text = f"{found.failure.message}\n{found.code_sample}\n→ {came}"
                    self.failures.setdefault(f"{operation}: {found.failure.title}", text)


def fuzz(
    document: Mapping[str, Any],
    base_url: str,
    identity: Identity,
    *,
    seed: int,
    examples: int,
    phases: frozenset[str],
    known: Mapping[str, str],
) -> Findings:
    """Send requests for every operation in the document, as one identity.

    Args:
        examples: cases for an operation in the fuzzing phase, and sequences in the stateful one.
        phases: some of PHASES.
        known: examples of members (`OrderItemRequest.product_id`) that exist in this shop.
    """
    given = copy.deepcopy(dict(document))
    for name, value in known.items():
        model, _, member = name.partition(".")
        given["components"]["schemas"][model]["properties"][member]["examples"] = [value]
    config = schemathesis.Config.from_dict(_settings(given, seed, examples, phases))
    schema = schemathesis.openapi.from_dict(given, config=config)
    schema.config.base_url = base_url
    _hook(schema, identity)
    findings = Findings()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            findings.add(event)
        elif isinstance(event, events.NonFatalError):
            findings.failures[f"{event.label}: {type(event.value).__name__}"] = str(event.value)
        elif isinstance(event, events.FatalError):
            raise event.exception
    return findings


def _hook(schema: schemathesis.BaseSchema, identity: Identity) -> None:
    """Put the identity's token on every request, and have it observe the answers."""

    @schema.hook
    def filter_failure(
        _context: object, failure: Failure, case: Case[Any], response: Response
    ) -> bool:
        return not _is_meant(failure, case, response)

    @schema.hook
    def after_call(_context: object, case: Case[Any], response: Response) -> None:
        identity.observe(case, response)

    if not identity.make:
        return

    @schema.auth(refresh_interval=None)
    class _Token:
        def get(self, _case: Case[Any], _context: object) -> str:
            return identity.client().token or ""

        def set(self, case: Case[Any], data: str, _context: object) -> None:
            case.headers["Authorization"] = f"Bearer {data}"
            # The last hook before a request is sent.
            if case.path_parameters.get("id") in identity.spared:
                case.path_parameters["id"] = "unknown"


def _settings(
    document: Mapping[str, Any], seed: int, examples: int, phases: frozenset[str]
) -> dict[str, Any]:
    generation = {"no-shrink": True, "database": "none"}
    enabled: dict[str, Any] = {phase: {"enabled": phase in phases} for phase in PHASES}
    enabled["coverage"]["unexpected-methods"] = _METHODS_OF_GATEWAY
    return {
        "seed": seed,
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        # Its own sign-up would give the anonymous caller an account.
        "auth": {"auto-signup": False},
        "cache": {"enabled": False},
        "warnings": False,
        # Deactivated accounts and withdrawn products stay visible, by the API's design.
        "checks": {"use_after_free": {"enabled": False}},
        "generation": {**generation, "max-examples": examples},
        "phases": enabled,
        # API Gateway itself times out after 29 s.
        "request-timeout": 40,
        # Operations without parameters always send the same request.
        "operations": [
            {
                "include-operation-id": operation["operationId"],
                "generation": {**generation, "max-examples": min(3, examples)},
            }
            for item in document["paths"].values()
            for operation in item.values()
            if "requestBody" not in operation
            and all("$ref" in parameter for parameter in operation["parameters"])
        ],
    }


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
