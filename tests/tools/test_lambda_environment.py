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


def test_a_function_is_given_all_that_the_template_declares_and_lambda_tells() -> None:
    for name, function in FUNCTIONS.items():
        given = lambda_environment.whole(name, _NAMES)
        assert given["AWS_LAMBDA_FUNCTION_NAME"] == name
        # Empty in the cloud, and so left out.
        assert given.keys() >= function.declared_variables - {"AWS_ENDPOINT_URL"}
        assert "AWS_ENDPOINT_URL" not in given


def test_parameters_decide_what_variables_say() -> None:
    given = lambda_environment.whole("UsersApi", _NAMES, {"TracingMode": "PassThrough"})
    assert given["TRACING"] == "PassThrough"
    assert lambda_environment.whole("UsersApi", _NAMES)["TRACING"] == "Active"


def _given(function: str, **parameters: str) -> dict[str, str]:
    return lambda_environment.whole(function, _NAMES, parameters)


def test_lambda_derives_variables_of_the_handler_and_the_logging_configuration() -> None:
    given = _given("UsersApi")
    assert given["_HANDLER"] == "users.api.handler"
    assert given["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    # The function's own `LoggingConfig` is merged with that of Globals.
    assert given["AWS_LAMBDA_LOG_GROUP_NAME"] == "UsersLogs"


@pytest.mark.parametrize(
    ("level", "of_lambda"),
    [("DEBUG", "DEBUG"), ("INFO", "INFO"), ("WARNING", "INFO"), ("ERROR", "INFO")],
)
def test_lambda_lets_metrics_pass_at_each_log_level(level: str, of_lambda: str) -> None:
    given = _given("UsersApi", LogLevel=level)
    assert given["POWERTOOLS_LOG_LEVEL"] == level
    assert given["AWS_LAMBDA_LOG_LEVEL"] == of_lambda


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({}, "on-demand"),
        ({"SnapStart": "on"}, "snap-start"),
        ({"ProvisionedConcurrency": "2"}, "provisioned-concurrency"),
    ],
)
def test_the_parameters_decide_how_a_function_is_initialized(
    parameters: dict[str, str], kind: str
) -> None:
    assert _given("UsersApi", **parameters)["AWS_LAMBDA_INITIALIZATION_TYPE"] == kind
    assert _given("UsersRelay", **parameters)["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
