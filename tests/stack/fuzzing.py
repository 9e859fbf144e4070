"""The API asked as its own document allows, and as it does not, by schemathesis: under one identity, with a seed."""

import copy
import json
import time
from collections import Counter
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
# Well before an access token ends, which is after 15 minutes.
_TOKEN_SECONDS: Final = 600
# A documentation address (RFC 5737): who fails to log in from it slows down nobody else.
_ADDRESS: Final = "198.51.100.7"
# Refusals that depend on what is in the shop, on who asks, or on two values together: no schema can tell of them.
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
# HEAD it does not send, and TRACE the gateway refuses before it looks for a route.
_METHODS_OF_GATEWAY: Final = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"]
_OF_ENDED_ACCOUNTS: Final = ("/problems/unauthenticated", "/problems/account-inactive")
_WITHOUT_PARAMETERS: Final = 3  # examples of an operation that always asks the same


@dataclass
class Identity:
    """Under whose name is asked: nobody's, or somebody's whom `make` brings along as often as it takes.

    The fuzzer finds its own account, and changes or deactivates it; then somebody else takes its place. The accounts of
    `spared` it cannot reach: other tests need them.
    """

    name: str
    make: Callable[[], Client] | None = None
    spared: frozenset[str] = frozenset()
    _client: Client | None = None
    _until: float = 0

    def client(self) -> Client:
        assert self.make, "only who has an account is asked for"
        if self._client is None:
            self._client = self.make()
            self._until = time.monotonic() + _TOKEN_SECONDS
        elif time.monotonic() > self._until:
            self._client.log_in()
            self._until = time.monotonic() + _TOKEN_SECONDS
        return self._client

    def saw(self, case: Case[Any], response: Response) -> None:
        """Look at an answer: was this the end of the account as it was, by its own hand or by an admin's?"""
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
    """What was asked, and what was found."""

    requests: int = 0
    operations: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)  # those that somebody was answered 2xx
    checks: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Findings") -> None:
        self.requests += other.requests
        self.operations |= other.operations
        self.done |= other.done
        self.checks += other.checks
        self.statuses += other.statuses
        self.failures |= other.failures

    def take(self, finished: events.ScenarioFinished) -> None:
        """Count what a scenario did."""
        recorder = finished.recorder
        for id_, interaction in recorder.interactions.items():
            self.requests += 1
            answer = interaction.response
            if answer is not None:
                self.statuses[answer.status_code] += 1
                if answer.status_code < 300:
                    self.done.add(recorder.cases[id_].value.operation.label)
        for id_, results in recorder.checks.items():
            operation = recorder.cases[id_].value.operation.label
            self.operations.add(operation)
            self.checks.update(result.name for result in results)
            for found in (result.failure_info for result in results):
                if found:
                    answer = recorder.interactions[id_].response
                    said = f"{answer.status_code} {answer.text}" if answer else "no answer"
                    text = f"{found.failure.message}\n{found.code_sample}\n→ {said}"
                    self.failures.setdefault(f"{operation}: {found.failure.title}", text)


def fuzz(
    document: Mapping[str, Any],
    base_url: str,
    who: Identity,
    *,
    seed: int,
    examples: int,
    phases: frozenset[str],
    known: Mapping[str, str],
    app: object = None,
) -> Findings:
    """Ask for everything in the document, under an identity.

    Args:
        base_url: where the API is.
        examples: how many cases an operation gets in the fuzzing phase, and how many sequences the stateful one has.
        phases: examples, coverage, fuzzing, stateful.
        known: examples of members (`OrderItemRequest.product_id`) that are in this very shop, where the document can have none.
        app: an ASGI application to ask instead of the network.
    """
    given = copy.deepcopy(dict(document))
    for name, value in known.items():
        model, _, member = name.partition(".")
        given["components"]["schemas"][model]["properties"][member]["examples"] = [value]
    schema = schemathesis.openapi.from_dict(given, config=_config(given, seed, examples, phases))
    schema.config.base_url = base_url
    schema.app = app
    _listen(schema, who)
    findings = Findings()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            findings.take(event)
        elif isinstance(event, events.NonFatalError):
            findings.failures[f"{event.label}: {type(event.value).__name__}"] = str(event.value)
        elif isinstance(event, events.FatalError):
            raise event.exception
    return findings


def _listen(schema: schemathesis.BaseSchema, who: Identity) -> None:
    """Put the identity's token on every request, and show it the answers."""

    @schema.hook
    def filter_failure(
        _context: object, failure: Failure, case: Case[Any], response: Response
    ) -> bool:
        return not _is_meant(failure, case, response)

    @schema.hook
    def after_call(_context: object, case: Case[Any], response: Response) -> None:
        who.saw(case, response)

    if not who.make:
        return

    @schema.auth(refresh_interval=None)
    class _Token:
        def get(self, _case: Case[Any], _context: object) -> str:
            return who.client().token or ""

        def set(self, case: Case[Any], data: str, _context: object) -> None:
            case.headers["Authorization"] = f"Bearer {data}"
            # Nothing looks at a request later than this.
            if case.path_parameters.get("id") in who.spared:
                case.path_parameters["id"] = "nobody"


def _config(
    document: Mapping[str, Any], seed: int, examples: int, phases: frozenset[str]
) -> schemathesis.Config:
    generation = {"no-shrink": True, "database": "none"}
    return schemathesis.Config.from_dict(
        {
            "seed": seed,
            "continue-on-failure": True,
            "suppress-health-check": ["all"],
            "headers": {"X-Forwarded-For": _ADDRESS},
            # Its own sign-up would make somebody of nobody, and its cache remember another run.
            "auth": {"auto-signup": False},
            "cache": {"enabled": False},
            "warnings": False,
            # What is deactivated or withdrawn stays visible: the contract's own words.
            "checks": {"use_after_free": {"enabled": False}},
            "generation": {**generation, "max-examples": examples},
            "phases": {
                **{phase: {"enabled": phase in phases} for phase in PHASES},
                "coverage": {
                    "enabled": "coverage" in phases,
                    "unexpected-methods": _METHODS_OF_GATEWAY,
                },
            },
            # API Gateway itself gives up after 29 s.
            "request-timeout": 40,
            "operations": [
                {
                    "include-operation-id": operation["operationId"],
                    "generation": {**generation, "max-examples": _WITHOUT_PARAMETERS},
                }
                for item in document["paths"].values()
                for operation in item.values()
                if "requestBody" not in operation
                and all("$ref" in parameter for parameter in operation["parameters"])
            ],
        }
    )


def _is_meant(failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether the API is right, and its document only cannot say so."""
    if isinstance(failure, AcceptedNegativeData):
        # Blanks round an address are cut off.
        email = _email(case)
        return email != email.strip()
    if isinstance(failure, RejectedPositiveData):
        problem = response.json()
        code = problem["type"].rpartition("/")[2]
        return (
            code in _BEYOND_SCHEMAS
            or (code == "malformed-json" and _has_no_text(case.body))
            or (code == "invalid-request" and _email(case).endswith(".invalid"))
            or (
                code == "invalid-request"
                and any(
                    rule in error["detail"]
                    for rule in _RULES_ACROSS_VALUES
                    for error in problem["errors"]
                )
            )
        )
    return False


def _email(case: Case[Any]) -> str:
    email = case.body.get("email") if isinstance(case.body, dict) else None
    return email if isinstance(email, str) else ""


def _has_no_text(body: object) -> bool:
    """Whether characters stand in it that JSON may carry, and no text has (RFC 7493, section 2.1).

    One is a character, but the gateway writes it where there was none.
    """
    codes = map(ord, json.dumps(body, ensure_ascii=False, default=str))
    return any(c & 0xFFFE == 0xFFFE or 0xFDD0 <= c <= 0xFDEF or c == 0xFFFD for c in codes)
