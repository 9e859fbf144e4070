"""The template agrees with the code, and keeps data, secrets and the API's edge as promised."""

import re
from typing import Any, Final

import pytest

from shared.contracts.events import PUBLISHERS, TYPE_ATTRIBUTE
from tests.support.functions import COMMON_VARIABLES, FUNCTIONS, Function, sample_events
from tools.intrinsics import meets_condition, resolve
from tools.local.firewall import Limit, limits
from tools.openapi import access
from tools.template import resources, services, template

QUEUES: Final = resources("AWS::SQS::Queue")
TOPICS: Final = resources("AWS::SNS::Topic")
LAST_RELEASES_TOPIC: Final = "Events"
KINDS: Final = {"Api": "rest", "SQS": "queue", "DynamoDB": "stream", "Schedule": "schedule"}
SECRET: Final = re.compile(
    r"secret|password|passwd|private|credential|token|key|salt|pepper", re.IGNORECASE
)
# Names of KMS keys, of tables and of a parameter with secrets, and the issuer of tokens.
HARMLESS: Final = {
    *("TOKEN_KEY_ID", "TOKEN_ISSUER", "KEYS_TABLE", "MAIL_KEY_ID", "CREDENTIALS_TABLE"),
    *("TokenIssuer", "StripeSecret", "STRIPE_SECRET"),
}

functions = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


@functions
def test_function_has_the_variables_that_it_reads_and_no_others(function: Function) -> None:
    assert callable(function.module.handler)
    assert function.declared_variables - COMMON_VARIABLES == function.read_variables


@functions
def test_function_has_a_sample_event_of_each_kind_that_it_takes(function: Function) -> None:
    kinds = {sample.kind for sample in sample_events() if sample.function == function.name}
    sources = function.properties.get("Events", {}).values()
    others = {kind for kind in ("call", "deployment") if function.takes(kind)}
    assert kinds == {KINDS[source["Type"]] for source in sources} | others


@pytest.mark.parametrize("service", services())
def test_routes_of_an_app_are_those_of_the_api(service: str) -> None:
    own = [f for f in FUNCTIONS.values() if f.properties["Handler"].startswith(f"{service}.")]
    named = {(e["Method"], e["Path"]) for f in own for e in f.events("Api") if e["Method"] != "ANY"}
    served = {(method, path.replace("proxy", "proxy+")) for method, path in access.routes(service)}
    # Of ANY the app refuses some.
    assert named <= served <= {route for f in own for route in f.routes}


@pytest.mark.parametrize("name", [name for name in QUEUES if "DeadLetters" not in name])
def test_queue_has_a_worker_which_moves_what_failed_before_the_queue_does(name: str) -> None:
    redrive = QUEUES[name]["RedrivePolicy"]
    dead_letters = redrive["deadLetterTargetArn"]["Fn::GetAtt"].partition(".")[0]
    assert dead_letters in QUEUES
    assert template()["Parameters"][redrive["maxReceiveCount"]["Ref"]]["MinValue"] >= 5
    [worker] = [
        function
        for function in FUNCTIONS.values()
        for source in function.events("SQS")
        if source["Queue"] == {"Fn::GetAtt": f"{name}.Arn"}
    ]
    variables = worker.properties["Environment"]["Variables"]
    assert variables["QUEUE_URL"] == {"Ref": name}
    assert variables["DEAD_LETTERS_URL"] == {"Ref": dead_letters}
    assert variables["DELIVERY_ATTEMPTS"] == redrive["maxReceiveCount"]
    # What a topic cannot deliver goes to the same place.
    for subscription in resources("AWS::SNS::Subscription").values():
        if subscription["Endpoint"] == {"Fn::GetAtt": f"{name}.Arn"}:
            undelivered = subscription["RedrivePolicy"]["deadLetterTargetArn"]
            assert undelivered == redrive["deadLetterTargetArn"]


# --- data ---


def test_tables_and_signing_keys_outlive_their_stack_and_tables_can_be_restored() -> None:
    kept = [
        resource
        for resource in template()["Resources"].values()
        if resource["Type"] == "AWS::DynamoDB::Table"
        or resource.get("Properties", {}).get("KeyUsage") == "SIGN_VERIFY"
    ]
    assert {resource["Type"] for resource in kept} == {"AWS::DynamoDB::Table", "AWS::KMS::Key"}
    for resource in kept:
        # A first deployment that failed leaves nothing.
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resource["UpdateReplacePolicy"] == "Retain"
        if resource["Type"] == "AWS::DynamoDB::Table":
            assert (
                resource["Properties"].items()
                >= {
                    "SSESpecification": {"SSEEnabled": True},
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                    "DeletionProtectionEnabled": {"Fn::If": ["IsProd", True, False]},
                }.items()
            )


# Topics that some queue is subscribed to.
ADMITTED: Final = sorted(
    {one["TopicArn"]["Ref"] for one in resources("AWS::SNS::Subscription").values()}
)


@pytest.mark.parametrize("name", QUEUES)
def test_queue_is_encrypted_and_takes_only_what_comes_encrypted_from_topics(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True
    queue = {"Fn::GetAtt": f"{name}.Arn"}
    [allowed, denied] = next(
        policy["PolicyDocument"]["Statement"]
        for policy in resources("AWS::SQS::QueuePolicy").values()
        if policy["Queues"] == [{"Ref": name}]
    )
    assert allowed == {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": [{"Ref": topic} for topic in ADMITTED]}},
    }
    assert denied == _without_tls("sqs:*", queue)


# tests/template/test_alarms.py has that of alarms.
@pytest.mark.parametrize("name", [name for name in TOPICS if name != "AlarmTopic"])
def test_topic_is_encrypted_and_takes_only_what_comes_encrypted(name: str) -> None:
    topic = {"Ref": name}
    assert TOPICS[name] == {"KmsMasterKeyId": "alias/aws/sns"}
    [policy] = [
        policy
        for policy in resources("AWS::SNS::TopicPolicy").values()
        if policy["Topics"] == [topic]
    ]
    assert policy["PolicyDocument"]["Statement"] == [_without_tls("sns:Publish", topic)]


@pytest.mark.parametrize(
    ("name", "subscription"),
    [
        (name, subscription)
        for name, subscription in resources("AWS::SNS::Subscription").items()
        if subscription["TopicArn"] != {"Ref": LAST_RELEASES_TOPIC}
    ],
)
def test_subscription_admits_named_types_of_its_topics_own_service(
    name: str, subscription: dict[str, Any]
) -> None:
    """So the attribute `type` of a message says which service has published it: workers compare the
    event with it."""
    assert "FilterPolicyScope" not in subscription
    assert subscription["FilterPolicy"].keys() == {TYPE_ATTRIBUTE}
    for type_ in subscription["FilterPolicy"][TYPE_ATTRIBUTE]:
        publisher = services()[PUBLISHERS[type_.partition(".")[0]]]
        assert subscription["TopicArn"] == {"Ref": f"{publisher}Events"}, f"{type_} in {name}"


def _without_tls(action: str, resource: object) -> dict[str, object]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_no_variable_and_no_parameter_holds_a_secret() -> None:
    parameters = template()["Parameters"]
    assert not [name for name, parameter in parameters.items() if "NoEcho" in parameter]
    variables = {n: v for f in FUNCTIONS.values() for n, v in _variables(f).items()}
    names = {*parameters, *variables, *COMMON_VARIABLES}
    assert {name for name in names if SECRET.search(name)} == HARMLESS
    for value in variables.values():
        assert isinstance(value, dict) or re.fullmatch(r"[a-z-]+", value)


def _variables(function: Function) -> dict[str, Any]:
    made: dict[str, Any] = function.properties["Environment"]["Variables"]
    return made


# --- the API's edge ---


@pytest.mark.parametrize(
    ("origins", "are_accepted"),
    [
        ("", True),
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
def test_origins_are_exact(origins: str, are_accepted: bool) -> None:
    pattern = template()["Parameters"]["CorsOrigins"]["AllowedPattern"]
    assert (re.fullmatch(pattern, origins) is not None) == are_accepted


def test_access_logs_have_routes_and_neither_ids_nor_queries() -> None:
    [api] = resources("AWS::Serverless::Api").values()
    logged = re.findall(r"\$[\w.]+", api["AccessLogSetting"]["Format"])
    assert "$context.resourcePath" in logged
    forbidden = r"\$context\.path|querystring|\$input|requestOverride|\$context\.identity\.user"
    assert not [variable for variable in logged if re.search(forbidden, variable)]


def test_firewall_is_there_in_prod_unless_it_is_declined() -> None:
    for parameters, is_there in (
        ({"Environment": "prod"}, True),
        ({"Environment": "prod", "Firewall": "none"}, False),
        ({"Environment": "dev"}, False),
        ({"Environment": "dev", "Firewall": "waf"}, True),
    ):
        for name in ("WebFirewall", "WebFirewallOfApi"):
            assert meets_condition(template()["Resources"][name], parameters) == is_there


def test_firewall_limits_an_address_and_keeps_no_samples() -> None:
    [firewall] = resources("AWS::WAFv2::WebACL").values()
    [address, log_ins] = limits(firewall)
    assert address == Limit(200, 60)
    assert (log_ins.requests, log_ins.seconds) == (20, 60)
    past_the_cdn, *rules, of_webhooks = firewall["Rules"]
    [_, blocked, nothing] = past_the_cdn["Fn::If"]
    assert (blocked["Priority"], nothing) == (0, {"Ref": "AWS::NoValue"})
    rules.append(of_webhooks["Fn::If"][1])
    for rule in rules:
        rate = rule["Statement"].get("RateBasedStatement")
        addresses = {"Fn::If": ["IsBehindCdn", "FORWARDED_IP", "IP"]}
        assert rate is None or rate["AggregateKeyType"] == addresses
        # What a rule blocks without an answer of its own is answered by WAF_FILTERED, a 429.
        has_no_answer = rule.get("Action") == {"Block": {}} or rule.get("OverrideAction") == {
            "None": {}
        }
        assert has_no_answer == (rate is not None)
    for part in (firewall, blocked, *rules):
        assert part["VisibilityConfig"]["SampledRequestsEnabled"] is False


def test_webhooks_have_a_limit_of_their_own_only() -> None:
    for provider, counted in (("sandbox", {""}), ("stripe", {"/webhooks/stripe/?$"})):
        [firewall] = resources("AWS::WAFv2::WebACL").values()
        parameters = {"PaymentProvider": provider}
        rules = resolve(firewall["Rules"], ref=str, attribute=str, parameters=parameters)
        rates = {rule["Name"]: rule["Statement"].get("RateBasedStatement") for rule in rules}
        scopes = [
            rates[name].get("ScopeDownStatement", {})
            for name in ("RequestsOfAnAddress", "WebhooksOfAnAddress")
            if name in rates
        ]
        # All but webhooks, and webhooks.
        inner = [scope.get("NotStatement", {}).get("Statement", scope) for scope in scopes]
        found = {scope.get("RegexMatchStatement", {}).get("RegexString", "") for scope in inner}
        assert found == counted
        assert len(scopes) == (2 if provider == "stripe" else 1)


def test_public_routes_with_a_body_have_the_limits_of_log_ins() -> None:
    """Except those that take a refresh token: they neither hash a password nor send an e-mail."""
    [firewall] = resources("AWS::WAFv2::WebACL").values()
    [_, log_ins] = limits(firewall)
    [api] = resources("AWS::Serverless::Api").values()
    [every, *throttled] = api["MethodSettings"]
    assert (every["HttpMethod"], every["ResourcePath"]) == ("*", "/*")
    for settings in throttled:
        assert settings["ThrottlingRateLimit"] == {"Ref": "LogInThrottleRate"}
    paths = {one["ResourcePath"].removeprefix("/").replace("~1", "/") for one in throttled}
    assert {one["HttpMethod"] for one in throttled} == {log_ins.method} == {"POST"}
    public = {
        path
        for (method, path), access_ in access.declared().items()
        if method == "POST" and path.startswith("/api/") and access_.is_public
    }
    assert public - paths == {
        f"/api/v1/auth/{verb}"
        for verb in ("refresh", "logout", "browser/refresh", "browser/logout")
    }
    for base in ("", "/live", "/shop"):
        assert all(log_ins.is_about("POST", f"{base}{path}") for path in paths)
        for path in (
            "/api/v1/auth/refresh",
            "/api/v1/auth/browser/refresh",
            "/api/v1/users/me",
            "/api/v1/orders",
        ):
            assert not log_ins.is_about("POST", base + path)
