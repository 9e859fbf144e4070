"""template.yaml as data, so that schemas, routes and variables stand once."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tools.language_extensions import expand

ROOT = Path(__file__).parents[1]


class _Loader(yaml.CSafeLoader):
    """Reads CloudFormation's short forms: `!Ref X` becomes {"Ref": "X"}, `!GetAtt A.B`
    {"Fn::GetAtt": "A.B"}."""


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def template() -> dict[str, Any]:
    """The whole template, its loops expanded."""
    return expand(read(ROOT / "template.yaml"))


def read(file: Path) -> dict[str, Any]:
    """A template, its functions in their long forms."""
    loaded: dict[str, Any] = yaml.load(file.read_text(), Loader=_Loader)  # noqa: S506  # a SafeLoader
    return loaded


def resources(type_: str) -> dict[str, dict[str, Any]]:
    """The properties of each resource of a type, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in template()["Resources"].items()
        if resource["Type"] == type_
    }


def services() -> dict[str, str]:
    """The packages of the services, each with its name in logical ids: `users`, `Users`."""
    return {
        properties["Handler"].partition(".")[0]: name.removesuffix("Api")
        for name, properties in resources("AWS::Serverless::Function").items()
        if name.endswith("Api")
    }


def alias() -> str:
    """The alias of every function, by which callers and event sources invoke it."""
    name: str = template()["Globals"]["Function"]["AutoPublishAlias"]
    return name


def table_definition(logical_id: str) -> dict[str, Any]:
    """What CreateTable needs to make the template's table, without what only a real account has."""
    properties = resources("AWS::DynamoDB::Table")[logical_id]
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    definition = {key: properties[key] for key in kept if key in properties}
    stream = properties.get("StreamSpecification")
    return {
        "TableName": logical_id,
        **definition,
        **({"StreamSpecification": {"StreamEnabled": True, **stream}} if stream else {}),
    }
