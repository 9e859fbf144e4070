"""The stack of bootstrap.yaml: what all shops of an account and region share."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, WaiterError

from tools.local import stack
from tools.local.places import ROOT
from tools.progress import Problem
from tools.template import read

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STACK: Final = "bodega-bootstrap"
_FILE: Final = ROOT / "bootstrap.yaml"
_WAIT: Final = 600


def deploy(
    cloudformation: "CloudFormationClient", parameters: Mapping[str, str], *, poll: float = 3
) -> None:
    """Make the stack, or bring it up to date.

    Args:
        parameters: those to set; the others keep the value that they have in the account.
        poll: seconds between two looks at it.

    Raises:
        Problem: CloudFormation could not do it.
    """
    kept = _parameters_of(cloudformation) & read(_FILE)["Parameters"].keys()
    values: list[Any] = [
        {"ParameterKey": name, "ParameterValue": v} for name, v in parameters.items()
    ]
    values += [
        {"ParameterKey": name, "UsePreviousValue": True} for name in kept - parameters.keys()
    ]
    request: dict[str, Any] = {
        "StackName": STACK,
        "TemplateBody": _FILE.read_text(),
        "Parameters": values,
        "Capabilities": ["CAPABILITY_IAM"],
    }
    if not stack.exists(cloudformation, STACK):
        # A failed first attempt must not stand in the way of the next one.
        made = cloudformation.create_stack(**request, OnFailure="DELETE", RetainExceptOnCreate=True)
        waiter: Any = cloudformation.get_waiter("stack_create_complete")
    else:
        try:
            made = cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return
            raise
        waiter = cloudformation.get_waiter("stack_update_complete")
    attempts = {"Delay": poll, "MaxAttempts": int(_WAIT / poll)}
    try:
        waiter.wait(StackName=made["StackId"], WaiterConfig=attempts)
    except WaiterError:
        reason = stack.failure(cloudformation, made["StackId"])
        raise Problem(f"The stack {STACK} failed: {reason}") from None


def sender(identity: str) -> dict[str, str]:
    """The parameters that have SES verify an address or a domain; none for an empty one."""
    if not identity:
        return {}
    address, domain = (identity, "") if "@" in identity else ("", identity)
    return {"SenderEmail": address, "SenderDomain": domain}


def is_deployed(cloudformation: "CloudFormationClient") -> bool:
    """Whether the account has the exports that a shop imports."""
    declared = read(_FILE)["Outputs"].values()
    wanted = {output["Export"]["Name"] for output in declared if "Export" in output}
    pages = cloudformation.get_paginator("list_exports").paginate()
    return wanted <= {export["Name"] for page in pages for export in page["Exports"]}


def _parameters_of(cloudformation: "CloudFormationClient") -> set[str]:
    """Those that the stack has a value of; none where it is not there yet."""
    if not stack.exists(cloudformation, STACK):
        return set()
    [deployed] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return {parameter["ParameterKey"] for parameter in deployed.get("Parameters", [])}
