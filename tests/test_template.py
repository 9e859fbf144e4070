"""The template and the code agree."""

import re
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from tests.support.functions import COMMON_VARIABLES, FUNCTIONS, Function, sample_events
from tools.template import resources, template

QUEUES = resources("AWS::SQS::Queue")
WORK_QUEUES = {name: queue for name, queue in QUEUES.items() if "DeadLetters" not in name}
CATCH_ALL = "/{proxy+}"

functions = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


@functions
def test_each_handler_imports_without_an_environment(function: Function) -> None:
    assert callable(function.module.handler)


@functions
def test_each_function_is_given_the_variables_that_it_reads_and_none_else(
    function: Function,
) -> None:
    assert function.declared_variables - COMMON_VARIABLES == function.read_variables


@functions
def test_each_function_has_a_sample_event_of_each_kind_that_it_takes(function: Function) -> None:
    kinds = {sample.kind for sample in sample_events() if sample.function == function.name}
    sources = {source["Type"] for source in function.properties.get("Events", {}).values()}
    expected = {"Api": "rest", "SQS": "queue", "DynamoDB": "stream", "Schedule": "schedule"}
    assert kinds == {expected[source] for source in sources} or (not sources and kinds == {"call"})


@pytest.mark.parametrize("name", WORK_QUEUES)
def test_each_queue_has_a_dead_letter_queue_and_room_for_six_tries(name: str) -> None:
    redrive = WORK_QUEUES[name]["RedrivePolicy"]
    dead_letters = redrive["deadLetterTargetArn"]["Fn::GetAtt"].partition(".")[0]
    assert dead_letters in QUEUES
    assert template()["Parameters"][redrive["maxReceiveCount"]["Ref"]]["MinValue"] >= 5
    readers = [
        function
        for function in FUNCTIONS.values()
        for source in function.events("SQS")
        if source["Queue"] == {"Fn::GetAtt": f"{name}.Arn"}
    ]
    assert readers
    for reader in readers:
        # It moves what it gives up itself, at the attempt after which the queue would.
        variables = reader.properties["Environment"]["Variables"]
        assert variables["QUEUE_URL"] == {"Ref": name}
        assert variables["DEAD_LETTERS_URL"] == {"Ref": dead_letters}
        assert variables["DELIVERY_ATTEMPTS"] == redrive["maxReceiveCount"]


def _app_routes(router: APIRouter) -> set[tuple[str, str]]:
    routes: set[tuple[str, str]] = set()
    for route in router.routes:
        if isinstance(route, APIRoute):
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
            routes |= {(method, path) for method in route.methods or ()}
        else:
            # FastAPI's own wrapper of a router that was included in this one.
            routes |= _app_routes(route.original_router)  # type: ignore[attr-defined]
    return routes


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.endswith("Api")])
def test_each_route_of_an_app_is_a_route_of_the_api_and_the_reverse(name: str) -> None:
    function = FUNCTIONS[name]
    declared = function.routes
    served = _app_routes(function.module.router)
    if name == "GatewayApi":
        # It answers for every path and method that nobody else has.
        declared = {(method, path) for method, path in declared if path != CATCH_ALL}
        declared = {(method, path) for method, path in declared if path != "/" or method == "GET"}
        served = {(method, path) for method, path in served if path != "/{proxy}"}
        served = {(method, path) for method, path in served if path != "/" or method == "GET"}
    assert declared == served


def test_every_log_group_forgets() -> None:
    for name, group in resources("AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


# --- data ---


def assert_kept(whole: dict[str, Any]) -> None:
    """It outlives its stack, but not a first deployment that failed."""
    assert whole["DeletionPolicy"] == "RetainExceptOnCreate"
    assert whole["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", resources("AWS::DynamoDB::Table"))
def test_a_table_is_encrypted_can_be_brought_back_and_outlives_its_stack(name: str) -> None:
    whole = template()["Resources"][name]
    table = whole["Properties"]
    assert_kept(whole)
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}


def test_the_keys_that_sign_tokens_outlive_their_stack() -> None:
    signing = [
        whole
        for whole in template()["Resources"].values()
        if whole["Type"] == "AWS::KMS::Key" and whole["Properties"]["KeyUsage"] == "SIGN_VERIFY"
    ]
    assert signing
    for whole in signing:
        assert_kept(whole)


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_takes_only_what_comes_encrypted_from_the_topic(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True
    [policy] = [
        policy["PolicyDocument"]["Statement"]
        for policy in resources("AWS::SQS::QueuePolicy").values()
        if policy["Queues"] == [{"Ref": name}]
    ]
    queue = {"Fn::GetAtt": f"{name}.Arn"}
    [allowed, denied] = policy
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "sqs:SendMessage")
    assert allowed["Principal"] == {"Service": "sns.amazonaws.com"}
    assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "Events"}}}
    assert allowed["Resource"] == queue
    assert denied == _without_tls("sqs:*", queue)


def test_the_topic_is_encrypted_and_takes_only_what_comes_encrypted() -> None:
    assert template()["Resources"]["Events"]["Properties"]["KmsMasterKeyId"] == "alias/aws/sns"
    policy = template()["Resources"]["EventsPolicy"]
    topic = {"Ref": "Events"}
    assert policy["Properties"]["Topics"] == [topic]
    [denied] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert denied == _without_tls("sns:Publish", topic)


def _without_tls(action: str, resource: object) -> dict[str, object]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_what_the_topic_cannot_deliver_is_kept() -> None:
    for name, subscription in resources("AWS::SNS::Subscription").items():
        queue = subscription["Endpoint"]["Fn::GetAtt"].partition(".")[0]
        kept = subscription["RedrivePolicy"]["deadLetterTargetArn"]
        assert kept == QUEUES[queue]["RedrivePolicy"]["deadLetterTargetArn"], name


# --- secrets ---

SECRET = re.compile(
    r"secret|password|passwd|private|credential|token|key|salt|pepper", re.IGNORECASE
)
# They look like it and are none: names of KMS keys, and who tokens say that they are from.
HARMLESS = {"TOKEN_KEY_IDS", "TOKEN_ISSUER", "CURSOR_KEY_ID"}


@functions
def test_no_variable_of_a_function_holds_a_secret(function: Function) -> None:
    suspicious = {name for name in function.declared_variables if SECRET.search(name)}
    assert suspicious <= HARMLESS
    for value in function.properties["Environment"]["Variables"].values():
        # Of the template's own, or a word: nothing that somebody drew.
        assert isinstance(value, dict) or re.fullmatch(r"[a-z]+", value)


def test_nobody_is_asked_for_a_secret() -> None:
    for name, asked in template()["Parameters"].items():
        assert "NoEcho" not in asked, name
        assert not SECRET.search(name) or name in {"TokenIssuer", "TokenKeys"}


# --- the API's edge ---


@pytest.mark.parametrize(
    ("origins", "are_taken"),
    [
        ("", True),
        ("https://shop.example", True),
        ("https://shop.example,https://office.example:8443", True),
        ("http://localhost:5173", True),
        ("*", False),
        ("https://*.example", False),
        ("https://shop.example,*", False),
        ("http://shop.example", False),
        ("https://shop.example/", False),
        ("https://shop.example,", False),
        ("null", False),
    ],
)
def test_origins_are_exact(origins: str, are_taken: bool) -> None:
    pattern = template()["Parameters"]["CorsOrigins"]["AllowedPattern"]
    assert (re.fullmatch(pattern, origins) is not None) == are_taken


def test_access_logs_have_routes_and_no_addresses_of_pages() -> None:
    # A path may hold somebody's id, and a query anything.
    [api] = resources("AWS::Serverless::Api").values()
    logged = api["AccessLogSetting"]["Format"]
    assert "$context.resourcePath" in logged
    for text in (
        "$context.path",
        "querystring",
        "$input",
        "requestOverride",
        "$context.identity.user",
    ):
        assert text not in logged


def test_a_firewall_lets_an_address_ask_200_times_a_minute_where_there_is_one() -> None:
    parts = ("WebFirewall", "WebFirewallOfApi")
    assert {template()["Resources"][name]["Condition"] for name in parts} == {"HasFirewall"}
    assert template()["Parameters"]["Firewall"]["Default"] == "none"
    [firewall] = resources("AWS::WAFv2::WebACL").values()
    [rule] = [rule for rule in firewall["Rules"] if "RateBasedStatement" in rule["Statement"]]
    rate = rule["Statement"]["RateBasedStatement"]
    assert rule["Action"] == {"Block": {}}
    assert (rate["Limit"], rate["EvaluationWindowSec"], rate["AggregateKeyType"]) == (200, 60, "IP")
    for seen in (firewall, *firewall["Rules"]):
        assert seen["VisibilityConfig"]["SampledRequestsEnabled"] is False
