"""What AWS refuses, or would overrun at run time, of the template as it stands; each limit is as AWS's documentation has it.

Read for this: "AWS::Serverless::Function", "AWS::Lambda::EventSourceMapping", "Lambda quotas", "Lambda parameters for Amazon SQS
event source mappings", "Lambda parameters for DynamoDB event source mappings", "Configuring maximum concurrency for
Amazon SQS event sources", "Using Lambda with Amazon SQS" (visibility), "Control which events Lambda sends to your function",
"Amazon API Gateway quotas", "Quotas for configuring and running a REST API", "AWS::DynamoDB::Table", "Quotas in Amazon
DynamoDB", "DynamoDB transactions", "Amazon SQS queue parameters", "Quotas related to messages" (SQS), "Amazon SNS endpoints
and quotas", "Subscription filter policy constraints" (SNS), "AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup", "IAM and AWS STS
quotas", "AWS::KMS::Key", "AWS::WAFv2::WebACL RateBasedStatement", "Rate expressions" (EventBridge), "AWS CloudFormation
quotas". What cfn-lint asserts already (types, required properties) is not here.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from unittest.mock import patch

import pytest

from notifications.emails import service as notifier
from products.reservations.models import HELD_FOR
from shared.messaging import outbox
from tests.budget.waits import (
    PARAMETERS,
    QUEUED,
    STREAMED,
    clients,
    longest_order,
    number,
    queue_of,
)
from tests.outages.alarms import alarms
from tests.simulation.stage import Stage, opened
from tests.support.functions import FUNCTIONS, Function
from tools.intrinsics import resolve
from tools.template import resources, template

LAMBDA_PAYLOAD: Final = 6 * 1024 * 1024
SNS_BATCH = SQS_FROM_SNS = 256 * 1024
DYNAMODB_ITEM: Final = 400 * 1024
DYNAMODB_TRANSACTION: Final = 4 * 1024 * 1024
RETENTION: Final = {
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
}
# No resource of a real account has a longer one among what the template names.
LONGEST_NAME: Final = "x" * 160

each_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
SERVED: Final = [f for f in FUNCTIONS.values() if f.events("Api")]
each_queued = pytest.mark.parametrize("function", QUEUED, ids=lambda f: f.name)
each_streamed = pytest.mark.parametrize("function", STREAMED, ids=lambda f: f.name)


def property_of(function: Function, name: str) -> Any:
    return function.properties.get(name, template()["Globals"]["Function"].get(name))


# --- how long a function may wait ---


def slowest(name: str, *services: str) -> float:
    """Seconds of the slowest call that is never answered: all its attempts, and the longest pauses between them."""
    return max(
        client.seconds + client.pauses
        for client in clients(name)
        if not services or client.service in services
    )


@each_function
def test_a_call_that_is_never_answered_leaves_the_function_its_time(function: Function) -> None:
    assert slowest(function.name) <= function.timeout <= 900


@pytest.mark.parametrize("function", SERVED, ids=lambda f: f.name)
def test_a_function_behind_the_api_ends_before_the_api_gives_up(function: Function) -> None:
    assert function.timeout < 29


@each_function
def test_who_is_called_ends_before_its_caller_gives_up(function: Function) -> None:
    for variable in function.properties["Environment"]["Variables"].values():
        called = variable.get("Ref", "") if isinstance(variable, dict) else ""
        name, _, attribute = str(called).partition(".")
        # The gateway asks for the health, and is content with those that answer in time.
        if attribute == "Alias" and function.name != "GatewayApi":
            assert FUNCTIONS[name].timeout < slowest(function.name, "lambda")


def test_all_calls_of_an_order_fit_into_its_function_s_time() -> None:
    """Each as slow as it may be: the order is looked for, both neighbours are called, each after its circuit was read and
    before it is written, and the order is written."""
    [lambda_, circuits, table, _kms] = clients("OrdersApi")
    slowest_order = sum(
        times * (client.seconds + client.pauses)
        for times, client in ((2, table), (2, lambda_), (4, circuits))
    )
    assert slowest_order < FUNCTIONS["OrdersApi"].timeout


@each_queued
def test_a_batch_of_which_each_message_waits_for_its_slowest_call_fits_into_the_time(
    function: Function,
) -> None:
    [source] = function.events("SQS")
    pauses = max(client.pauses for client in clients(function.name))
    assert source["BatchSize"] * (slowest(function.name) - pauses) <= function.timeout


@each_queued
def test_a_queue_hides_a_batch_for_six_times_the_function_s_time_and_the_window(
    function: Function,
) -> None:
    [source] = function.events("SQS")
    window = source.get("MaximumBatchingWindowInSeconds", 0)
    visible_after = queue_of(source)["VisibilityTimeout"]
    assert 6 * function.timeout + window <= visible_after <= 43_200


def test_a_claim_outlives_its_worker_and_ends_before_the_queue_delivers_again() -> None:
    worker = FUNCTIONS["NotificationsWorker"]
    [source] = worker.events("SQS")
    lease = notifier._LEASE.total_seconds()
    assert worker.timeout < lease < queue_of(source)["VisibilityTimeout"]


@pytest.mark.parametrize(
    "name", [n for n, f in FUNCTIONS.items() if "TOPIC_ARN" in f.declared_variables]
)
def test_a_relay_s_last_calls_end_within_its_time(name: str) -> None:
    # One batch, or one mark, that was begun at the last moment.
    assert slowest(name, "sns", "dynamodb") < outbox.CALL_SECONDS


@each_streamed
def test_a_stream_gives_up_a_batch_after_the_sweeper_has_begun_and_before_orders_expire(
    function: Function,
) -> None:
    """Its events stay unsent in the table, so that the sweeper publishes them. A batch that always fails holds up its lane:
    retried until it expires, for a day."""
    [source] = function.events("DynamoDB")
    attempts = 1 + source["MaximumRetryAttempts"]
    assert attempts * slowest(function.name, "sns") > outbox._PATIENCE.total_seconds()
    assert attempts * function.timeout < HELD_FOR.total_seconds()


def test_the_longest_order_ends_before_its_reservation() -> None:
    assert sum(longest_order().values()) < HELD_FOR.total_seconds()


# --- event sources ---


@each_queued
def test_a_queue_s_mapping_is_one_that_lambda_takes(function: Function) -> None:
    [source] = function.events("SQS")
    window = source.get("MaximumBatchingWindowInSeconds", 0)
    assert 1 <= source["BatchSize"] <= 10_000
    # Else the mapping cannot be made: no lint and no emulator says so.
    assert source["BatchSize"] <= 10 or 1 <= window <= 300
    concurrency = source["ScalingConfig"]["MaximumConcurrency"]
    if isinstance(concurrency, dict):
        parameter = PARAMETERS[concurrency["Ref"]]
        concurrency = parameter["Default"]
        assert 2 <= parameter["MinValue"] <= parameter["MaxValue"] <= 1000
    assert 2 <= concurrency <= 1000
    assert source["BatchSize"] * SQS_FROM_SNS <= LAMBDA_PAYLOAD


@each_streamed
def test_a_stream_s_mapping_is_one_that_lambda_takes(function: Function) -> None:
    [source] = function.events("DynamoDB")
    assert 1 <= source["BatchSize"] <= 10_000
    assert 1 <= source["ParallelizationFactor"] <= 10
    assert -1 <= source["MaximumRetryAttempts"] <= 10_000
    assert source.get("MaximumBatchingWindowInSeconds", 0) <= 300
    patterns = [each["Pattern"] for each in source["FilterCriteria"]["Filters"]]
    assert len(patterns) <= 5
    assert max(map(len, patterns)) <= 4096


def test_a_stream_has_at_most_two_readers() -> None:
    streams = [source["Stream"]["Fn::GetAtt"] for f in STREAMED for source in f.events("DynamoDB")]
    assert all(streams.count(stream) <= 2 for stream in streams)


@each_streamed
def test_an_alarm_rings_long_before_waiting_events_cost_reservations(function: Function) -> None:
    [alarm] = [
        alarm
        for alarm in alarms().values()
        if alarm.metric
        == ("AWS/Lambda", "IteratorAge", frozenset({("FunctionName", function.name)}))
    ]
    assert alarm.statistic == "Maximum"
    seconds = alarm.properties["Threshold"] / 1000 + alarm.period * alarm.rule.evaluation_periods
    assert seconds <= HELD_FOR.total_seconds() / 2


def test_schedules_are_rates_that_eventbridge_takes() -> None:
    for function in FUNCTIONS.values():
        for source in function.events("Schedule"):
            found = re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", source["Schedule"])
            assert found, source
            assert int(found[1]) >= 1
            assert (found[1] == "1") is (found[3] == "")


# --- functions ---


@each_function
def test_a_function_is_one_that_lambda_takes(function: Function) -> None:
    assert 128 <= property_of(function, "MemorySize") <= 10_240
    assert len(property_of(function, "Layers")) <= 5
    assert len(property_of(function, "Description")) <= 256


@each_function
def test_a_function_s_variables_fit_into_4_kb(function: Function) -> None:
    declared = {
        **template()["Globals"]["Function"]["Environment"]["Variables"],
        **function.properties["Environment"]["Variables"],
    }
    size = sum(len(name) + _longest(value) for name, value in declared.items())
    assert size <= 4096


def _longest(value: Any) -> int:
    """Bytes that a value may have: parameters as long as they may be, everything else as an ARN."""
    if not isinstance(value, dict):
        return len(str(value).encode())
    if "Fn::If" in value:
        return max(map(_longest, value["Fn::If"][1:]))
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return sum(_longest(part) + len(separator) for part in parts)
    parameter = PARAMETERS.get(value.get("Ref"))
    if parameter is None:
        return len(LONGEST_NAME)
    allowed = [len(str(each)) for each in parameter.get("AllowedValues", ())]
    # Of the others, none is longer than an e-mail address.
    return max([*allowed, int(parameter.get("MaxLength", 0))]) or 320


@each_function
def test_a_role_s_policies_fit_into_10240_characters(function: Function) -> None:
    """What SAM adds for queues and streams is managed by AWS and does not count."""
    policies = resolve(
        function.properties["Policies"],
        ref=lambda name: LONGEST_NAME,
        attribute=lambda name: LONGEST_NAME,
    )
    assert len(re.sub(r"\s", "", json.dumps(policies))) <= 10_240


# --- the API ---


def test_the_api_stays_within_its_quotas() -> None:
    paths = {source["Path"] for f in SERVED for source in f.events("Api")}
    parts = {
        tuple(path.split("/")[1 : n + 1]) for path in paths for n in range(path.count("/") + 1)
    }
    assert len(parts) <= 300
    [api] = resources("AWS::Serverless::Api").values()
    assert len(api["AccessLogSetting"]["Format"].encode()) <= 3 * 1024
    assert 0 <= api["MinimumCompressionSize"] <= 10_485_760
    [throttle] = api["MethodSettings"]
    # An account's own, above which a stage's has no effect.
    assert number(throttle["ThrottlingRateLimit"]) <= 10_000
    assert number(throttle["ThrottlingBurstLimit"]) <= 5_000
    assert re.fullmatch(r"\w{1,128}", api["StageName"])


def test_the_firewall_s_rules_are_ones_that_waf_takes() -> None:
    for acl in resources("AWS::WAFv2::WebACL").values():
        assert re.fullmatch(
            r"[\w+=:#@/\-,.][\w+=:#@/\-,.\s]{0,254}[\w+=:#@/\-,.]", acl["Description"]
        )
        priorities = [rule["Priority"] for rule in acl["Rules"]]
        assert len(priorities) == len(set(priorities))
        for rule in acl["Rules"]:
            assert re.fullmatch(r"[\w-]{1,128}", rule["Name"])
            if rate := rule["Statement"].get("RateBasedStatement"):
                assert 10 <= rate["Limit"] <= 2_000_000_000
                assert rate["EvaluationWindowSec"] in (60, 120, 300, 600)


# --- tables, queues, topic ---


@pytest.mark.parametrize("name", resources("AWS::DynamoDB::Table"))
def test_a_table_s_indexes_are_ones_that_dynamodb_takes(name: str) -> None:
    table = resources("AWS::DynamoDB::Table")[name]
    indexes = table.get("GlobalSecondaryIndexes", [])
    assert len(indexes) <= 20
    included = [a for i in indexes for a in i["Projection"].get("NonKeyAttributes", ())]
    assert len(included) <= 100
    assert all(len(i["Projection"].get("NonKeyAttributes", ())) <= 20 for i in indexes)
    keys = {part["AttributeName"] for each in (table, *indexes) for part in each["KeySchema"]}
    assert keys == {definition["AttributeName"] for definition in table["AttributeDefinitions"]}


def test_queues_are_ones_that_sqs_takes() -> None:
    queues = resources("AWS::SQS::Queue")
    for name, queue in queues.items():
        assert 60 <= queue["MessageRetentionPeriod"] <= 1_209_600, name
        if redrive := queue.get("RedrivePolicy"):
            kept = queues[redrive["deadLetterTargetArn"]["Fn::GetAtt"].partition(".")[0]]
            # A message keeps its age where it is moved to.
            assert kept["MessageRetentionPeriod"] >= queue["MessageRetentionPeriod"]
            assert 1 <= number(redrive["maxReceiveCount"]) <= 1000


def test_the_topic_s_filters_are_ones_that_sns_takes() -> None:
    subscriptions = resources("AWS::SNS::Subscription").values()
    assert len(subscriptions) <= 200
    for subscription in subscriptions:
        policy = subscription["FilterPolicy"]
        combinations = 1
        for values in policy.values():
            combinations *= len(values)
        assert len(policy) <= 5
        assert combinations <= 150
        assert len(json.dumps(policy)) <= SNS_BATCH


# --- alarms, logs, keys, the template itself ---


def test_alarms_are_ones_that_cloudwatch_takes() -> None:
    for name, alarm in alarms().items():
        period = alarm.period
        assert period in (10, 20, 30) or (period > 0 and period % 60 == 0), name
        longest = 86_400 if period < 3600 else 604_800
        assert period * alarm.rule.evaluation_periods <= longest, name
        assert len(alarm.properties["AlarmDescription"]) <= 1024
        assert len(alarm.metric[2]) <= 30


def test_logs_are_kept_for_a_time_that_cloudwatch_knows() -> None:
    parameter = PARAMETERS["LogRetentionDays"]
    assert set(parameter["AllowedValues"]) <= RETENTION
    assert parameter["Default"] in parameter["AllowedValues"]


def test_the_template_is_one_that_cloudformation_takes() -> None:
    whole = template()
    assert len(PARAMETERS) <= 200
    assert len(whole["Outputs"]) <= 200
    # A function with an alias, a role and twenty routes becomes many.
    assert len(whole["Resources"]) <= 500 / 4
    assert len(whole["Description"].encode()) <= 1024
    assert all(len(p.get("Description", "")) <= 4000 for p in PARAMETERS.values())
    for key in resources("AWS::KMS::Key").values():
        assert len(key["Description"]) <= 8192
        assert len(json.dumps(key["KeyPolicy"])) <= 32 * 1024


# --- the largest that people can make ---


@pytest.fixture(scope="module")
def largest() -> Iterator[tuple[Stage, dict[str, list[int]]]]:
    """Orders of fifty lines with names as long as they may be; what was sent for them, in bytes, by operation."""
    sent: dict[str, list[int]] = {}
    with opened() as stage:
        answer = stage.town.cloud.answer

        def measured(service: str, operation: str, path: str, body: bytes) -> Any:
            sent.setdefault(f"{service}.{operation}", []).append(len(body))
            if operation == "TransactWriteItems":
                parts = len(json.loads(body)["TransactItems"])
                sent.setdefault("operations of a transaction", []).append(parts)
            answered = answer(service, operation, path, body)
            if service == "lambda":
                sent.setdefault("answers of functions", []).append(len(answered[2]))
            return answered

        with patch.object(stage.town.cloud, "answer", measured):
            names = [f"{n:02} {chr(0x1F600)}".ljust(200, chr(0x1F600)) for n in range(50)]
            products = [stage.admin.add_product(name=name, stock=100_000) for name in names]
            big = stage.anyone.register(full_name=chr(0x1F600) * 200)
            lines = [(product, 1000) for product in products]
            for number_ in range(10):
                big.order(*lines, key=f"large {number_}")
            stage.town.settle()
            page = big.get("/api/v1/orders", params={"limit": 10})
            assert page.json()["count"] == 10
            sent["ten orders of a list"] = [len(page.content)]
        yield stage, sent


def test_the_largest_order_fits_into_each_call(largest: tuple[Stage, dict[str, list[int]]]) -> None:
    _, sent = largest
    assert max(sent["operations of a transaction"]) <= 100
    assert max(sent["dynamodb.TransactWriteItems"]) <= DYNAMODB_TRANSACTION
    assert max(sent["lambda.Invoke"]) <= LAMBDA_PAYLOAD
    assert max(sent["answers of functions"]) <= LAMBDA_PAYLOAD


def test_the_largest_event_fits_into_a_message(largest: tuple[Stage, dict[str, list[int]]]) -> None:
    stage, sent = largest
    events = [len(fact.model_dump_json().encode()) for fact in stage.town.cloud.published]
    # With room for what it counts besides: the attribute's name, type and value.
    assert max(events) <= SNS_BATCH - 1024
    items = stage.town.cloud.dynamodb.tables["OrdersTable"].items.values()
    assert (
        max(len(json.dumps(item, ensure_ascii=False).encode()) for item in items) <= DYNAMODB_ITEM
    )
    assert len(sent["sns.PublishBatch"]) > 0


def test_the_largest_page_of_orders_fits_into_a_function_s_answer(
    largest: tuple[Stage, dict[str, list[int]]],
) -> None:
    _, sent = largest
    [ten] = sent["ten orders of a list"]
    # A hundred, as a text within JSON: each of its quotes has a backslash before it.
    assert ten * 10 * 1.25 <= LAMBDA_PAYLOAD
