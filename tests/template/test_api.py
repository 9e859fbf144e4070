"""The API as CloudFormation gets it, what API Gateway answers by itself, and the emulator's
template."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import botocore.session
import pytest

from shared.errors import BodegaError
from shared.web.app import _HEADERS
from tests.support.functions import FUNCTIONS
from tools.intrinsics import meets_condition, resolve
from tools.local.adapt import adapt
from tools.template import resources, template
from tools.transformed import transformed

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
    "WAF_FILTERED": 429,  # in this template: a limit for an address
}


def test_body_alone_has_routes_and_gateway_responses() -> None:
    # CloudFormation imports the body whenever it changes, and so drops what other resources added
    # to the API.
    types = {resource["Type"] for resource in transformed()["Resources"].values()}
    assert not types & {
        f"AWS::ApiGateway::{part}" for part in ("Resource", "Method", "GatewayResponse", "Model")
    }
    body = transformed()["Resources"]["Api"]["Properties"]["Body"]
    routes = {
        ("ANY" if method == _ANY else method.upper(), path)
        for path, item in body["paths"].items()
        for method in _of_stripe(item)
    }
    assert routes == {(e["Method"], e["Path"]) for f in FUNCTIONS.values() for e in f.events("Api")}
    given = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
    assert body[_RESPONSES].keys() == given.keys()


def _of_stripe(part: Any) -> Any:
    """The part in a deployment with every route."""
    parameters = {"PaymentProvider": "stripe"}
    return resolve(part, ref=str, attribute=str, parameters=parameters)


def test_webhooks_are_part_of_the_api_with_the_provider_stripe_only() -> None:
    paths = transformed()["Resources"]["Api"]["Properties"]["Body"]["paths"]
    for provider, has_route in (("sandbox", False), ("stripe", True)):
        parameters = {"PaymentProvider": provider}
        made = resolve(paths, ref=str, attribute=str, parameters=parameters)
        assert ("/webhooks/stripe" in made) is has_route
        for name in ("OrdersWebhooks", "OrdersWebhooksAliaslive", "OrdersWebhooksRole"):
            resource = transformed()["Resources"][name]
            assert meets_condition(resource, parameters) is has_route, name


def test_every_type_of_gateway_response_is_known() -> None:
    model = botocore.session.get_session().get_service_model("apigateway")
    assert set(model.shape_for("GatewayResponseType").enum) == _STATUSES.keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("type_", "status"), _STATUSES.items())
def test_gateway_response_is_a_problem(type_: str, status: int | None) -> None:
    responses = transformed()["Resources"]["Api"]["Properties"]["Body"][_RESPONSES]
    given = responses.get(type_, responses["DEFAULT_5XX" if status == 503 else "DEFAULT_4XX"])
    assert given.get("statusCode") == (str(status) if status else None)
    text = given["responseTemplates"]["application/json"]
    # API Gateway escapes nothing, so the template contains nothing of the request.
    assert set(re.findall(r"\$[\w.{]+", text)) == {"$context.requestId"}
    problem = json.loads(text.replace("$context.requestId", "r-1"))
    assert problem.keys() - {"status"} == {"type", "title", "detail", "instance", "request_id"}
    assert problem.get("status") == status
    known = {f"/problems/{error.code}": (error.status, error.title) for error in _all(BodegaError)}
    assert known.get(problem["type"], (status, problem["title"])) == (status, problem["title"])
    headers = {
        name.removeprefix("gatewayresponse.header.").lower(): value
        for name, value in given["responseParameters"].items()
    }
    own = {name.decode(): f"'{value.decode()}'" for name, value in _HEADERS}
    waits = status in (429, 503)
    assert headers == {
        "content-type": "'application/problem+json'",
        "cache-control": "'no-store'",
        "x-content-type-options": own["x-content-type-options"],
        "strict-transport-security": own["strict-transport-security"],
        "x-request-id": "context.requestId",
        "access-control-allow-origin": "'*'",
        "access-control-expose-headers": "'Retry-After,X-Request-ID'",
        **({"retry-after": "'60'" if type_ == "WAF_FILTERED" else "'1'"} if waits else {}),
    }


def _all(error: type[BodegaError]) -> Iterator[type[BodegaError]]:
    yield error
    for below in error.__subclasses__():
        yield from _all(below)


def test_emulators_template_differs_in_the_named_points_only() -> None:
    adapted = copy.deepcopy(template())
    adapt(adapted)
    sources = [
        (source["Type"], source["Properties"])
        for resource in adapted["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
        for source in resource["Properties"].get("Events", {}).values()
    ]
    routes = [(given["Method"], given["Path"]) for type_, given in sources if type_ == "Api"]
    assert sorted(routes) == sorted(route for f in FUNCTIONS.values() for route in f.routes)
    for type_, given in sources:
        assert type_ != "SQS" or isinstance(given["ScalingConfig"]["MaximumConcurrency"], int)
    before, after = json.dumps(template()), json.dumps(adapted)
    for condition in ('"aws:SecureTransport"', '"StringEquals": {"ses:FromAddress"'):
        assert condition in before
        assert condition not in after
    assert '"StringEqualsIfExists": {"ses:FromAddress"' in after
    # The policies of events' topics have no other statement.
    left_out = template()["Resources"].keys() - adapted["Resources"].keys()
    policies = resources("AWS::SNS::TopicPolicy").keys() - {"AlarmTopicPolicy"}
    assert left_out == policies | resources("AWS::Logs::QueryDefinition").keys()
