"""The API as CloudFormation gets it: which resource owns which part, and what API Gateway answers by itself."""

import copy
import json
import re
from typing import Any, Final

import botocore.session
import pytest
from cfnlint.api import ManualArgs, lint

from shared.errors import BodegaError
from shared.web.app import _HEADERS
from tests.support.functions import FUNCTIONS
from tools.local.adapt import adapt
from tools.template import template
from tools.transformed import transform, transformed

type Template = dict[str, Any]

_RESPONSES: Final = "x-amazon-apigateway-gateway-responses"
_ANY: Final = "x-amazon-apigateway-any-method"
# What the documentation gives as each type's own status; those of 5xx are all 503 here, by DEFAULT_5XX.
_STATUSES: Final = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 503,
    "AUTHORIZER_CONFIGURATION_ERROR": 503,
    "AUTHORIZER_FAILURE": 503,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "DEFAULT_4XX": None,
    "DEFAULT_5XX": 503,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 503,
    "INTEGRATION_TIMEOUT": 503,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}


@pytest.fixture(scope="module")
def made() -> Template:
    return transformed()


@pytest.fixture(scope="module")
def body(made: Template) -> dict[str, Any]:
    found: dict[str, Any] = made["Resources"]["Api"]["Properties"]["Body"]
    return found


def of_gateway(made: Template) -> dict[str, str]:
    """The resources of API Gateway, by their logical ids."""
    types = {name: resource["Type"] for name, resource in made["Resources"].items()}
    return {name: type_ for name, type_ in types.items() if type_.startswith("AWS::ApiGateway")}


def deployment(made: Template) -> str:
    [found] = [name for name, t in of_gateway(made).items() if t == "AWS::ApiGateway::Deployment"]
    return found


def changed(path: str) -> Template:
    """The template with one more route."""
    another = copy.deepcopy(template())
    events = another["Resources"]["GatewayApi"]["Properties"]["Events"]
    events["More"] = copy.deepcopy(events["Docs"])
    events["More"]["Properties"]["Path"] = path
    return another


# --- who owns what ---


def test_the_api_s_body_alone_has_routes_and_gateway_responses(
    made: Template, body: dict[str, Any]
) -> None:
    # CloudFormation imports the body whenever it changes, and so drops what other resources added to the API.
    assert set(of_gateway(made).values()) <= {
        "AWS::ApiGateway::Account",
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        # A custom domain is no part of the API.
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGateway::BasePathMapping",
    }
    routes = {
        (("ANY" if method == _ANY else method.upper()), path)
        for path, item in body["paths"].items()
        for method in item
    }
    declared = {(e["Method"], e["Path"]) for f in FUNCTIONS.values() for e in f.events("Api")}
    assert routes == declared
    given = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
    assert body[_RESPONSES].keys() == given.keys()


def test_cfn_lint_finds_nothing_beside_the_body(made: Template) -> None:
    def found(given: Template) -> set[str]:
        matches = lint(json.dumps(given), config=ManualArgs(regions=["eu-west-1"]))
        return {match.rule.id for match in matches}

    assert "W3660" not in found(made)
    beside = {
        "Type": "AWS::ApiGateway::GatewayResponse",
        "Properties": {"RestApiId": {"Ref": "Api"}, "ResponseType": "THROTTLED"},
    }
    assert "W3660" in found({**made, "Resources": {**made["Resources"], "Beside": beside}})


def test_whatever_changes_the_body_makes_a_new_deployment(made: Template) -> None:
    stage = made["Resources"]["ApiliveStage"]["Properties"]
    assert stage["DeploymentId"] == {"Ref": deployment(made)}
    route = transform(changed("/more"))
    text = copy.deepcopy(template())
    throttled = text["Resources"]["Api"]["Properties"]["GatewayResponses"]["THROTTLED"]
    throttled["ResponseTemplates"]["application/json"] += " "
    ids = [deployment(it) for it in (made, route, transform(text), transform(changed("/m2")))]
    assert len(set(ids)) == len(ids)
    # The stage's settings are the stage's own, and stay.
    again = route["Resources"]["ApiliveStage"]["Properties"]
    assert {**again, "DeploymentId": None} == {**stage, "DeploymentId": None}
    kept = route["Resources"]["Api"]["Properties"]["Body"]
    assert kept["paths"].keys() == {
        *made["Resources"]["Api"]["Properties"]["Body"]["paths"],
        "/more",
    }


# --- what API Gateway answers by itself ---


def test_every_type_of_gateway_response_is_known() -> None:
    model = botocore.session.get_session().get_service_model("apigateway")
    assert set(model.shape_for("GatewayResponseType").enum) == _STATUSES.keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("type_", "status"), _STATUSES.items())
def test_a_gateway_response_is_a_problem(
    body: dict[str, Any], type_: str, status: int | None
) -> None:
    responses = body[_RESPONSES]
    given = responses.get(type_, responses["DEFAULT_5XX" if status == 503 else "DEFAULT_4XX"])
    assert given.get("statusCode") == (str(status) if status else None)
    text = given["responseTemplates"]["application/json"]
    # Nothing of what a client sent: the template is filled in as it is, and nothing is escaped.
    assert set(re.findall(r"\$[\w.]+", text)) == {"$context.requestId"}
    problem = json.loads(text.replace("$context.requestId", "r-1"))
    assert problem.keys() - {"status"} == {"type", "title", "detail", "instance", "request_id"}
    assert problem.get("status") == status
    errors = {error.code: error for error in _all(BodegaError)}
    known = errors.get(problem["type"].removeprefix("/problems/"))
    assert known is None or (known.status, known.title) == (status, problem["title"])
    headers = {
        name.removeprefix("gatewayresponse.header.").lower(): value
        for name, value in given["responseParameters"].items()
    }
    own = {key.decode(): f"'{value.decode()}'" for key, value in _HEADERS}
    assert headers == {
        "content-type": "'application/problem+json'",
        "cache-control": "'no-store'",
        "x-content-type-options": own["x-content-type-options"],
        "strict-transport-security": own["strict-transport-security"],
        "x-request-id": "context.requestId",
        "access-control-allow-origin": "'*'",
        "access-control-expose-headers": "'Retry-After,X-Request-ID'",
        **({"retry-after": "'1'"} if status in (429, 503) else {}),
    }


def _all(error: type[BodegaError]) -> list[type[BodegaError]]:
    return [error, *(below for it in error.__subclasses__() for below in _all(it))]


# --- what is adapted for the emulator ---


def test_what_is_adapted_has_the_routes_of_the_template() -> None:
    adapted = copy.deepcopy(template())
    adapt(adapted)
    routes = [
        (event["Properties"]["Method"], event["Properties"]["Path"])
        for resource in adapted["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "Api"
    ]
    assert len(routes) == len(set(routes))
    assert set(routes) == set().union(*(function.routes for function in FUNCTIONS.values()))


def test_what_is_adapted_denies_nothing_for_want_of_tls_and_forgives_a_missing_sender() -> None:
    before = json.dumps(template())
    adapted = copy.deepcopy(template())
    adapt(adapted)
    after = json.dumps(adapted)
    assert "aws:SecureTransport" in before
    assert "aws:SecureTransport" not in after
    assert '"StringEquals": {"ses:FromAddress"' in before
    assert '"StringEqualsIfExists": {"ses:FromAddress"' in after
    # The queues' policies still let the topic in; that of the topic has nothing else.
    assert template()["Resources"].keys() - adapted["Resources"].keys() == {"EventsPolicy"}


def test_what_is_adapted_gives_the_workers_concurrency_as_numbers() -> None:
    adapted = copy.deepcopy(template())
    adapt(adapted)
    numbers = [
        event["Properties"]["ScalingConfig"]["MaximumConcurrency"]
        for resource in adapted["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    assert numbers
    assert all(isinstance(number, int) for number in numbers)
