"""What CloudFormation makes first, for each way to deploy: the order that AWS documents."""

from collections.abc import Iterator

import pytest

from tests.deployment import plans
from tests.deployment.plans import DEPLOYMENTS, Plan
from tools.template import ROOT, read

deployments = pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=DEPLOYMENTS)


def test_no_resource_of_bootstrap_waits_for_itself() -> None:
    plan = plans.of_bootstrap()
    for name in plan:
        plans.waits_for(plan, name)


@deployments
def test_no_resource_waits_for_itself_or_for_one_that_is_not_deployed(
    deployment: dict[str, str],
) -> None:
    plan = plans.of_shop(deployment)
    for name in plan:
        plans.waits_for(plan, name)


# --- the account's setting ---


def test_the_account_takes_a_role_for_access_logs_after_it_has_an_api() -> None:
    # "If an API Gateway resource has never been created in your AWS account, you must add a dependency on another API
    # Gateway resource": the documentation of AWS::ApiGateway::Account.
    plan = plans.of_bootstrap()
    [(setting, _)] = plans.of_type(plan, "AWS::ApiGateway::Account")
    types = {plan[name].type for name in plans.waits_for(plan, setting)}
    assert types == {"AWS::ApiGateway::RestApi", "AWS::IAM::Role"}


@deployments
def test_a_stage_with_access_logs_waits_for_the_account_to_have_the_role(
    deployment: dict[str, str],
) -> None:
    exported = {
        output["Export"]["Name"]
        for output in read(ROOT / "bootstrap.yaml")["Outputs"].values()
        if "Export" in output
    }
    plan = plans.of_shop(deployment)
    [(_, stage)] = plans.of_type(plan, "AWS::ApiGateway::Stage")
    assert "AccessLogSetting" in stage.properties
    assert stage.imports == exported == {"bodega:ApiLogsRole"}


def test_a_shop_sets_nothing_that_an_account_has_once() -> None:
    once = {"AWS::ApiGateway::Account", "AWS::SES::EmailIdentity", "AWS::IAM::OIDCProvider"}
    for deployment in DEPLOYMENTS.values():
        assert not once & {resource.type for resource in plans.of_shop(deployment).values()}


# --- what must be there first ---


def _pairs(plan: Plan) -> Iterator[tuple[str, str]]:
    """A resource, and one that must be there before it."""

    def each(type_: str) -> list[str]:
        return [name for name, _ in plans.of_type(plan, type_)]

    def policies_of(property_: str, target: str) -> list[str]:
        types = ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
        return [
            name
            for type_ in types
            for name, policy in plans.of_type(plan, type_)
            if target.removesuffix(".Arn") in policy.properties.get(property_, ())
        ]

    [stage] = each("AWS::ApiGateway::Stage")
    [deployment] = each("AWS::ApiGateway::Deployment")
    yield stage, deployment
    for association in each("AWS::WAFv2::WebACLAssociation"):
        yield association, stage
    for mapping in each("AWS::ApiGateway::BasePathMapping"):
        yield mapping, stage
        yield from ((mapping, domain) for domain in each("AWS::ApiGateway::DomainName"))
    for name, subscription in plans.of_type(plan, "AWS::SNS::Subscription"):
        # What the topic sends before the policy is there is refused, by the dead letters' queue as well.
        queue = subscription.properties["Endpoint"]
        dead_letters = subscription.properties["RedrivePolicy"]["deadLetterTargetArn"]
        needed = [*policies_of("Queues", queue), *policies_of("Queues", dead_letters)]
        assert len(needed) == 2
        yield from ((name, policy) for policy in needed)
    for name, alias in plans.of_type(plan, "AWS::Lambda::Alias"):
        yield name, alias.properties["FunctionVersion"].rpartition("/")[2].removesuffix(".Version")


@deployments
def test_each_resource_waits_for_what_aws_wants_first(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment)
    pairs = list(_pairs(plan))
    assert len(pairs) > 10
    for name, first in pairs:
        assert first in plans.waits_for(plan, name), f"{name} may be made before {first}"


@deployments
def test_a_role_has_its_policies_when_it_is_made(deployment: dict[str, str]) -> None:
    # A policy of its own could come after the function, and after the mapping that Lambda checks the role for.
    plan = plans.of_shop(deployment)
    types = {resource.type for resource in plan.values()}
    assert not types & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}
    for name, source in plans.of_type(plan, "AWS::Lambda::EventSourceMapping"):
        function = source.properties["FunctionName"].rpartition("/")[2]
        role = plan[function].properties["Role"].rpartition("/")[2].removesuffix(".Arn")
        assert plan[role].properties["Policies"]
        assert role in plans.waits_for(plan, name)


@deployments
def test_a_key_has_its_policy_when_it_is_made(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment)
    for _, key in plans.of_type(plan, "AWS::KMS::Key"):
        assert key.properties["KeyPolicy"]["Statement"]


@deployments
def test_who_is_called_by_an_alias_may_be_called_by_it(deployment: dict[str, str]) -> None:
    # A permission without the alias's qualifier is one for the unpublished function alone.
    plan = plans.of_shop(deployment)
    for _, permission in plans.of_type(plan, "AWS::Lambda::Permission"):
        target = permission.properties["FunctionName"].rpartition("/")[2]
        aliased = {
            alias.properties["FunctionName"].rpartition("/")[2]: name
            for name, alias in plans.of_type(plan, "AWS::Lambda::Alias")
        }
        assert target not in aliased
        assert plan[target].type in {"AWS::Lambda::Alias", "AWS::Lambda::Function"}


# --- what AWS compares ---


def _named(value: str) -> str:
    """The resource that a resolved value names."""
    return value.rpartition("/")[2].partition(".")[0]


@deployments
def test_a_stage_its_deployment_and_its_domain_are_of_one_api(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment)
    [(name, stage)] = plans.of_type(plan, "AWS::ApiGateway::Stage")
    api = stage.properties["RestApiId"]
    assert plan[_named(stage.properties["DeploymentId"])].properties["RestApiId"] == api
    for _, mapping in plans.of_type(plan, "AWS::ApiGateway::BasePathMapping"):
        assert mapping.properties["RestApiId"] == api
        assert _named(mapping.properties["Stage"]) == name


@deployments
def test_an_alias_names_a_version_of_its_own_function(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment)
    for _, alias in plans.of_type(plan, "AWS::Lambda::Alias"):
        version = plan[_named(alias.properties["FunctionVersion"])]
        assert version.properties["FunctionName"] == alias.properties["FunctionName"]


@deployments
def test_a_function_and_its_layer_are_for_one_machine(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment)
    for _, function in plans.of_type(plan, "AWS::Lambda::Function"):
        [layer] = (plan[_named(one)].properties for one in function.properties["Layers"])
        assert function.properties["Architectures"] == layer["CompatibleArchitectures"]
        assert function.properties["Runtime"] in layer["CompatibleRuntimes"]


@deployments
def test_a_table_defines_the_attributes_of_its_keys_and_no_others(
    deployment: dict[str, str],
) -> None:
    for _, table in plans.of_type(plans.of_shop(deployment), "AWS::DynamoDB::Table"):
        of_table = table.properties["KeySchema"]
        of_indexes = (i["KeySchema"] for i in table.properties["GlobalSecondaryIndexes"])
        keys = {key["AttributeName"] for schema in (of_table, *of_indexes) for key in schema}
        defined = [one["AttributeName"] for one in table.properties["AttributeDefinitions"]]
        assert sorted(keys) == sorted(defined)


def test_a_function_has_one_kind_of_head_start() -> None:
    for parameters in DEPLOYMENTS.values():
        plan = plans.of_shop(parameters)
        snapshots = {
            name
            for name, function in plans.of_type(plan, "AWS::Lambda::Function")
            if function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
        }
        kept_ready = {
            _named(alias.properties["FunctionName"])
            for _, alias in plans.of_type(plan, "AWS::Lambda::Alias")
            if "ProvisionedConcurrencyConfig" in alias.properties
        }
        assert not snapshots & kept_ready
