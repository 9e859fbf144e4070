"""A function's environment, as it is deployed."""

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
