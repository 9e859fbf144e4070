"""The template and the code agree."""

import re

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from tests.support.functions import COMMON_VARIABLES, FUNCTIONS, Function, sample_events
from tests.support.template import resources, template

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
        # What AWS recommends, so that a batch that is still worked on is not delivered again.
        assert WORK_QUEUES[name]["VisibilityTimeout"] >= 6 * reader.timeout
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
    declared = {(source["Method"], source["Path"]) for source in function.events("Api")}
    served = _app_routes(function.module.router)
    if name == "GatewayApi":
        # It answers for every path and method that nobody else has.
        declared = {(method, path) for method, path in declared if path != CATCH_ALL}
        declared = {(method, path) for method, path in declared if path != "/" or method == "GET"}
        served = {(method, path) for method, path in served if path != "/{proxy}"}
        served = {(method, path) for method, path in served if path != "/" or method == "GET"}
    assert declared == served


def test_no_two_functions_have_the_same_route() -> None:
    routes = [
        (source["Method"], source["Path"])
        for function in FUNCTIONS.values()
        for source in function.events("Api")
    ]
    assert len(routes) == len(set(routes))


@functions
def test_no_policy_is_for_everything(function: Function) -> None:
    for policy in function.properties["Policies"]:
        for statement in policy["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                assert "*" not in action
            assert statement["Resource"] != "*" or "ses:FromAddress" in str(statement["Condition"])


@functions
def test_each_function_writes_to_a_log_group_that_forgets(function: Function) -> None:
    group = function.properties["LoggingConfig"]["LogGroup"]["Ref"]
    assert "RetentionInDays" in resources("AWS::Logs::LogGroup")[group]
