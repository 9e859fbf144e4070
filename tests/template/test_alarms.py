"""Alarms have recipients, say what customers notice, and lead to the runbook."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tools.intrinsics import meets_condition, resolve
from tools.template import ROOT, resources, template

_ALL: Final = resources("AWS::CloudWatch::Alarm")
# CodeDeploy alone asks those of deployments: tests/template/test_deployments.py.
_GRADUAL: Final = {
    name for name in _ALL if template()["Resources"][name].get("Condition") == "IsGradual"
}
ALARMS: Final = {name: alarm for name, alarm in _ALL.items() if name not in _GRADUAL}
INCIDENTS: Final = resources("AWS::CloudWatch::CompositeAlarm")
FULL: Final = {
    "Monitoring": "full",
    "PaymentProvider": "stripe",
    "Deployments": "Linear10PercentEvery1Minute",
}
BASIC: Final = {"Monitoring": "basic", "PaymentProvider": "stripe"}
# Sections of the runbook that no alarm leads to.
WITHOUT_AN_ALARM: Final = {
    "runbook",
    "is-the-shop-well",
    "events-are-quarantined",
    "more-orders-than-one-partition-takes",
    "cold-starts-are-too-slow",
    "e-mails-do-not-arrive",
    "where-is-an-order",
    "saved-queries",
    "restore-tables",
    "a-deployment-went-back",
    "stripe",
    "a-function-is-denied-something",
    "a-customer-asks-for-erasure",
    "the-first-admin",
    "revoke-the-keys-that-sign-tokens",
}
# SNS drops what follows in the subject of an e-mail: ALARM: "bodega-prod - …" in EU (Ireland).
_LONGEST_TITLE: Final = 60

every = pytest.mark.parametrize("name", [*ALARMS, *INCIDENTS])


def declared(name: str, parameters: dict[str, str]) -> dict[str, Any] | None:
    """An alarm's properties in a deployment with those parameters; None where it is not made."""
    if not meets_condition(template()["Resources"][name], parameters):
        return None
    properties: dict[str, Any] = resolve(
        (_ALL | INCIDENTS)[name], ref=str, attribute=str, parameters=parameters
    )
    return properties


def anchors() -> Iterator[str]:
    """Those of the runbook's sections, as GitHub makes them of headings."""
    for line in (ROOT / "docs/runbook.md").read_text().splitlines():
        if line.startswith("#"):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower())
            yield words.replace(" ", "-")


@pytest.mark.parametrize("name", [*_ALL, *INCIDENTS])
def test_alarm_has_a_title_that_fits_into_a_subject_and_leads_to_the_runbook(name: str) -> None:
    properties = declared(name, FULL)
    assert properties
    stack, _, title = properties["AlarmName"].partition(" - ")
    assert stack == "bodega"
    assert re.fullmatch(rf"[A-Z][A-Za-z0-9 ,-]{{9,{_LONGEST_TITLE - 1}}}", title)
    said, _, link = properties["AlarmDescription"].rpartition(": ")
    assert said
    assert link.startswith("docs/runbook.md#")
    assert link.partition("#")[2] in anchors()


def test_section_of_the_runbook_is_reached_by_one_kind_of_alarm_or_listed_as_without() -> None:
    reached = defaultdict(set)
    for name, properties in (ALARMS | INCIDENTS).items():
        given = declared(name, FULL)
        assert given
        # The alarms of one metric are one kind, of several queues or functions.
        kind = (
            properties.get("Namespace"),
            properties.get("MetricName"),
            properties.get("AlarmRule"),
        )
        if properties.get("MetricName") == "Errors":
            kind = "Errors", given["TreatMissingData"], None
        reached[given["AlarmDescription"].partition("#")[2]].add(str(kind))
    assert [section for section, kinds in reached.items() if len(kinds) > 1] == []
    assert set(anchors()) - reached.keys() == WITHOUT_AN_ALARM


@every
def test_alarm_sends_its_own_messages_unless_an_incident_does(name: str) -> None:
    parts = {
        part
        for incident in INCIDENTS.values()
        for part in re.findall(r"\$\{(\w+)\}", incident["AlarmRule"]["Fn::Sub"])
    }
    for parameters in (FULL, BASIC):
        properties = declared(name, parameters)
        if properties is None:
            continue
        is_part = parameters == FULL and name in parts - INCIDENTS.keys()
        expected = [] if is_part else ["AlarmTopic"]
        assert properties.get("AlarmActions", []) == expected
        assert properties.get("OKActions", []) == expected


def test_basic_monitoring_has_alarms_of_lost_work_and_attacks_only() -> None:
    made = [name for name in ALARMS if declared(name, {"Environment": "dev"})]
    assert len(made) == 13
    assert not [name for name in INCIDENTS if declared(name, {"Environment": "dev"})]
    for environment, monitoring, is_full in (
        ("prod", "auto", True),
        ("prod", "basic", False),
        ("dev", "full", True),
        ("local", "auto", False),
    ):
        given = {"Environment": environment, "Monitoring": monitoring}
        assert (declared("ApiIncident", given) is not None) == is_full


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, []),
        ({"AlarmEmail": "me@shop.test"}, [{"Protocol": "email", "Endpoint": "me@shop.test"}]),
        (
            {"AlarmEndpoint": "https://pager.test/key"},
            [{"Protocol": "https", "Endpoint": "https://pager.test/key"}],
        ),
    ],
)
def test_alarms_are_sent_to_the_recipients_of_the_parameters(
    parameters: dict[str, str], expected: list[dict[str, str]]
) -> None:
    topic = resources("AWS::SNS::Topic")["AlarmTopic"]
    resolved = resolve(topic, ref=str, attribute=str, parameters=parameters)
    assert resolved["Subscription"] == expected


def test_topic_of_alarms_takes_messages_of_cloudwatch() -> None:
    """Its policy replaces the one by which the account's services may publish. CloudWatch cannot
    publish to a topic that is encrypted by the key aws/sns."""
    assert "KmsMasterKeyId" not in resources("AWS::SNS::Topic")["AlarmTopic"]
    [allowed, denied] = resources("AWS::SNS::TopicPolicy")["AlarmTopicPolicy"]["PolicyDocument"][
        "Statement"
    ]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
