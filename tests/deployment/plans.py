"""What CloudFormation makes of a template: each resource with its values, and what it waits for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tools.intrinsics import NO_OTHERS, parameter, resolve
from tools.intrinsics import meets_condition as is_made
from tools.local.places import REGION
from tools.template import ROOT, read
from tools.transformed import transformed

DOMAIN: Final = {
    "DomainName": "api.shop.example",
    "CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/a-certificate",
    "BasePath": "shop",
}
DEPLOYMENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "dev": {"Environment": "dev", "Faults": "on"},
    "prod": {"Environment": "prod"},
    "snapshots": {"Environment": "prod", "SnapStart": "on"},
    "provisioned": {"Environment": "prod", "ProvisionedConcurrency": "1"},
    "linear": {"Environment": "dev", "Deployments": "Linear10PercentEvery1Minute"},
    "domain": {"Environment": "prod", **DOMAIN},
    "stripe": {"Environment": "prod", "PaymentProvider": "stripe"},
}
"""Parameters that people deploy with, and that decide which resources there are."""


@dataclass(frozen=True)
class Resource:
    """A resource of a deployment.

    Attributes:
        properties: with every function applied; what another resource gives is `<stack>/<logical
            id>`.
        update_policy: how CloudFormation updates it, if not by itself.
        waits_for: what it names, or is said to depend on: CloudFormation makes that first.
        imports: the exports of other stacks that it names.
    """

    type: str
    properties: Mapping[str, Any]
    update_policy: Mapping[str, Any]
    waits_for: frozenset[str]
    imports: frozenset[str]


type Plan = Mapping[str, Resource]


def of_shop(parameters: Mapping[str, str] = NO_OTHERS, *, stack: str = "bodega") -> Plan:
    """The plan of template.yaml, as SAM transforms it."""
    parameters = {**parameters, "AWS::StackName": stack}
    made = transformed(parameter("Deployments", parameters))
    return {
        name: _planned(resource, stack, parameters)
        for name, resource in made["Resources"].items()
        if is_made(resource, parameters)
    }


def of_bootstrap() -> Plan:
    """The plan of bootstrap.yaml, conditions left aside."""
    resources = read(ROOT / "bootstrap.yaml")["Resources"]
    plan = {name: _planned(whole, "bootstrap", NO_OTHERS) for name, whole in resources.items()}
    # What else it names are parameters of its own.
    return {
        name: replace(planned, waits_for=planned.waits_for & resources.keys())
        for name, planned in plan.items()
    }


def waits_for(plan: Plan, name: str) -> set[str]:
    """All that CloudFormation makes before that resource."""
    before: set[str] = set()
    look_at = list(plan[name].waits_for)
    while look_at:
        one = look_at.pop()
        if one not in before:
            before.add(one)
            look_at += plan[one].waits_for
    return before


def of_type(plan: Plan, type_: str) -> Iterator[tuple[str, Resource]]:
    """The resources of a type, by logical id."""
    return ((name, resource) for name, resource in plan.items() if resource.type == type_)


def schema_of(type_: str) -> Mapping[str, Any]:
    """AWS's own schema of a type of resource."""
    schema: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
        region=REGION, resource_type=type_
    ).schema
    return schema


def _planned(whole: Mapping[str, Any], stack: str, parameters: Mapping[str, str]) -> Resource:
    after = whole.get("DependsOn", [])
    named: set[str] = {after} if isinstance(after, str) else set(after)

    def ref(name: str) -> str:
        named.add(name)
        return f"{stack}/{name}"

    def attribute(text: str) -> str:
        name, _, attribute = text.partition(".")
        return f"{ref(name)}.{attribute}"

    properties = resolve(
        whole.get("Properties", {}), ref=ref, attribute=attribute, parameters=parameters
    )
    policy = resolve(
        whole.get("UpdatePolicy", {}), ref=ref, attribute=attribute, parameters=parameters
    )
    imports = frozenset(_imports(properties))
    return Resource(whole["Type"], properties, policy, frozenset(named), imports)


def _imports(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Fn::ImportValue" in value:
            yield value["Fn::ImportValue"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _imports(one)
