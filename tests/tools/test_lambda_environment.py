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


def test_function_has_the_variables_of_the_template_and_of_lambda() -> None:
    for name, function in FUNCTIONS.items():
        given = lambda_environment.whole(name, _NAMES)
        # Of containers on a developer's machine, and of a shop with faults on purpose.
        left_out = {"AWS_ENDPOINT_URL", "FAULTS"}
        assert given.keys() >= function.declared_variables - left_out
        assert not given.keys() & left_out
    given = lambda_environment.whole("UsersApi", _NAMES, {"LogLevel": "WARNING"})
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
def test_parameters_decide_how_an_api_is_initialized(parameters: dict[str, str], kind: str) -> None:
    of_api = lambda_environment.whole("UsersApi", _NAMES, parameters)
    of_relay = lambda_environment.whole("UsersRelay", _NAMES, parameters)
    assert of_api["AWS_LAMBDA_INITIALIZATION_TYPE"] == kind
    assert of_relay["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
