"""The API as CloudFormation gets it, what API Gateway answers by itself, and the template that the
emulator gets."""

import copy
import json
import re
from typing import Any, Final

import botocore.session
import pytest

from shared.errors import BodegaError
from shared.web.app import _HEADERS
from tests.support.functions import FUNCTIONS
from tools.local.adapt import adapt
from tools.template import template
from tools.transformed import transform, transformed

type Template = dict[str, Any]

_RESPONSES: Final = "x-amazon-apigateway-gateway-responses"
_ANY: Final = "x-amazon-apigateway-any-method"
# Each type's status by API Gateway's documentation; DEFAULT_5XX makes all of 5xx 503.
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


def _body(made: Template) -> dict[str, Any]:
    body: dict[str, Any] = made["Resources"]["Api"]["Properties"]["Body"]
    return body


def _deployment(made: Template) -> str:
    ref: str = made["Resources"]["ApiliveStage"]["Properties"]["DeploymentId"]["Ref"]
    assert made["Resources"][ref]["Type"] == "AWS::ApiGateway::Deployment"
    return ref


def test_the_body_alone_has_routes_and_gateway_responses() -> None:
    # CloudFormation imports the body whenever it changes, and so drops what other resources added
    # to the API.
    types = {resource["Type"] for resource in transformed()["Resources"].values()}
    assert not types & {
        f"AWS::ApiGateway::{part}" for part in ("Resource", "Method", "GatewayResponse", "Model")
    }
    body = _body(transformed())
    routes = {
        ("ANY" if method == _ANY else method.upper(), path)
        for path, item in body["paths"].items()
        for method in item
    }
    assert routes == {(e["Method"], e["Path"]) for f in FUNCTIONS.values() for e in f.events("Api")}
    given = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
    assert body[_RESPONSES].keys() == given.keys()


def test_a_changed_body_makes_a_new_deployment() -> None:
    route, text = copy.deepcopy(template()), copy.deepcopy(template())
    events = route["Resources"]["GatewayApi"]["Properties"]["Events"]
    events["More"] = copy.deepcopy(events["Docs"])
    events["More"]["Properties"]["Path"] = "/more"
    throttled = text["Resources"]["Api"]["Properties"]["GatewayResponses"]["THROTTLED"]
    throttled["ResponseTemplates"]["application/json"] += " "
    made = [transformed(), transform(route), transform(text)]
    assert len({_deployment(one) for one in made}) == len(made)
    assert _body(made[1])["paths"].keys() == {*_body(made[0])["paths"], "/more"}


def test_every_type_of_gateway_response_is_known() -> None:
    model = botocore.session.get_session().get_service_model("apigateway")
    assert set(model.shape_for("GatewayResponseType").enum) == _STATUSES.keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("type_", "status"), _STATUSES.items())
def test_a_gateway_response_is_a_problem(type_: str, status: int | None) -> None:
    responses = _body(transformed())[_RESPONSES]
    given = responses.get(type_, responses["DEFAULT_5XX" if status == 503 else "DEFAULT_4XX"])
    assert given.get("statusCode") == (str(status) if status else None)
    text = given["responseTemplates"]["application/json"]
    # API Gateway escapes nothing, so the template contains nothing of the request.
    assert set(re.findall(r"\$[\w.{]+", text)) == {"$context.requestId"}
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


def test_the_emulators_copy_differs_in_the_named_points_only() -> None:
    adapted = copy.deepcopy(template())
    adapt(adapted)
    events = [
        event
        for resource in adapted["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
    ]
    routes = [
        (event["Properties"]["Method"], event["Properties"]["Path"])
        for event in events
        if event["Type"] == "Api"
    ]
    assert sorted(routes) == sorted(route for f in FUNCTIONS.values() for route in f.routes)
    workers = [event["Properties"] for event in events if event["Type"] == "SQS"]
    assert {type(worker["ScalingConfig"]["MaximumConcurrency"]) for worker in workers} == {int}
    before, after = json.dumps(template()), json.dumps(adapted)
    for condition in ('"aws:SecureTransport"', '"StringEquals": {"ses:FromAddress"'):
        assert condition in before
        assert condition not in after
    assert '"StringEqualsIfExists": {"ses:FromAddress"' in after
    # The topic's policy has no other statement.
    assert template()["Resources"].keys() - adapted["Resources"].keys() == {"EventsPolicy"}
