"""A function's environment, as it is deployed."""

import pytest

from tests.support.functions import FUNCTIONS
from tools import lambda_environment
from tools.template import resources

_NAMES = {
    name: name
    for type_ in ("DynamoDB::Table", "Serverless::Function", "KMS::Key", "SNS::Topic", "SQS::Queue")
    for name in resources(f"AWS::{type_}")
}


def _given(function: str, **parameters: str) -> dict[str, str]:
    return lambda_environment.whole(function, _NAMES, parameters)


def test_function_has_the_variables_of_the_template_and_of_lambda() -> None:
    for name, function in FUNCTIONS.items():
        given = _given(name)
        assert given["AWS_LAMBDA_FUNCTION_NAME"] == name
        # Empty in the cloud, and therefore left out.
        assert given.keys() >= function.declared_variables - {"AWS_ENDPOINT_URL"}
        assert "AWS_ENDPOINT_URL" not in given
    given = _given("UsersApi", TracingMode="PassThrough", LogLevel="WARNING")
    assert given["TRACING"] == "PassThrough"
    assert given["_HANDLER"] == "users.api.handler"
    assert given["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    # The function's own `LoggingConfig` is merged with that of Globals.
    assert given["AWS_LAMBDA_LOG_GROUP_NAME"] == "UsersLogs"
    assert given["POWERTOOLS_LOG_LEVEL"] == "WARNING"
    # Metrics are log lines of level INFO.
    assert given["AWS_LAMBDA_LOG_LEVEL"] == "INFO"


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({}, "on-demand"),
        ({"SnapStart": "on"}, "snap-start"),
        ({"ProvisionedConcurrency": "2"}, "provisioned-concurrency"),
    ],
)
def test_parameters_decide_how_a_function_is_initialized(
    parameters: dict[str, str], kind: str
) -> None:
    assert _given("UsersApi", **parameters)["AWS_LAMBDA_INITIALIZATION_TYPE"] == kind
    assert _given("UsersRelay", **parameters)["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
