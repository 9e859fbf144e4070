"""`make bootstrap`, `make deploy` and `make destroy`, by the settings of samconfig.toml."""

import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Container, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from tools.local import bootstrap, sam, stack, web
from tools.local.places import ROOT, SAM_PYTHON, STATE
from tools.local.target import Target
from tools.progress import Problem, step
from tools.template import template

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client

_BUILD: Final = ROOT / ".aws-sam/build"
# RFC 2606: these domains receive no mail.
_EXAMPLE: Final = re.compile(r"(^|[@.])example(\.(com|net|org))?$")


def prepare(target: Target, sender: str, parameters: Mapping[str, str]) -> None:
    """`make bootstrap`: what the account has once for the region.

    Args:
        sender: the address or the domain that shops write from; empty for the present one, or at
            first for the environment's SenderEmail.
        parameters: others of bootstrap.yaml to set.
    """
    with _aws():
        session = target.session()
        _print_account(session, bootstrap.STACK)
        cloudformation = session.client("cloudformation")
        if not sender and not bootstrap.is_deployed(cloudformation):
            sender = _own_addresses(target, {})["SenderEmail"]
        # CloudFormation cannot make an identity that exists already.
        if sender and _is_verified(session.client("sesv2"), sender) is not None:
            print(f"▸ SES in {target.region} knows {sender} already.")
            sender = ""
        with step(f"bootstrap in {target.region}"):
            bootstrap.deploy(cloudformation, {**bootstrap.sender(sender), **parameters})
        for name, value in sorted(stack.outputs(cloudformation, bootstrap.STACK).items()):
            print(f"  {name:<18}{value}")


def deploy(target: Target, overrides: Mapping[str, str], *, agreed: bool = False) -> None:
    """Build for the architecture that the environment names, and deploy; SAM prints the progress.

    Args:
        overrides: the template's parameters that differ from the environment's.
        agreed: don't ask, whatever samconfig.toml says.

    Raises:
        Problem: a requirement is missing, or it failed.
    """
    with _aws():
        parameters = _own_addresses(target, overrides)
        session = target.session()
        _print_account(session, target.stack)
        _require_bootstrap(target, session.client("cloudformation"))
        _require_sender(target, session.client("sesv2"), parameters["SenderEmail"])
        _for_the_workflow("before", partial(running, target))
    platform = parameters["Architecture"]
    with step(f"build for {platform}"):
        sam.build(STATE / "build.log", _BUILD, config=target.environment, platform=platform)
    release(target, parameters, *(["--no-confirm-changeset"] if agreed else []))
    with _aws():
        cloudformation = target.session().client("cloudformation")
        outputs = stack.outputs(cloudformation, target.stack)
        if bucket := outputs.get("WebBucket"):
            with step("upload the pages"):
                upload(session.client("s3"), bucket)
    print(f"\nThe API is at {outputs['ApiUrl']}")
    _for_the_workflow("url", lambda: outputs["ApiUrl"])


def upload(s3: "S3Client", bucket: str, root: Path = web.WEB) -> None:
    """Make a bucket's objects the files of `web/`.

    Pages come after the files that they name, and before files are deleted that earlier pages name.
    """
    files = web.files(root)
    for key in sorted(files, key=lambda key: (key.endswith(".html"), key)):
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=files[key].read_bytes(),
            ContentType=web.content_type(key),
            CacheControl=web.cache_control(key),
        )
    _empty(s3, bucket, kept=files)


def _empty(s3: "S3Client", bucket: str, kept: Container[str] = ()) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            if found["Key"] not in kept:
                s3.delete_object(Bucket=bucket, Key=found["Key"])


def running(target: Target) -> str:
    """The tag of the release that the shop says it is; empty if it is not deployed or does not
    answer."""
    cloudformation = target.session().client("cloudformation")
    if not stack.exists(cloudformation, target.stack):
        return ""
    url = stack.outputs(cloudformation, target.stack).get("ApiUrl", "")
    try:
        document = httpx.get(f"{url}/openapi.json", timeout=30).raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL):
        return ""
    return f"v{document['info']['version']}"


def _for_the_workflow(name: str, value: Callable[[], str]) -> None:
    """An output for the next steps of a workflow of GitHub's."""
    if "GITHUB_OUTPUT" in os.environ:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a") as file:
            print(f"{name}={value()}", file=file)


def release(target: Target, parameters: Mapping[str, str], *more: str) -> None:
    """Run `sam deploy` on what is built.

    Args:
        parameters: all of the template's; an existing stack keeps its values of the others.
        more: arguments of SAM's own.

    Raises:
        Problem: it failed, or a person answered no to its changes.
    """
    with _aws():
        cloudformation = target.session().client("cloudformation")
        # A first deployment failed. CloudFormation takes no change for what is left of it.
        if _status(cloudformation, target.stack) == "ROLLBACK_COMPLETE":
            with step(f"delete {target.stack}, which a failed first deployment has left"):
                _delete(cloudformation, target.stack)
        before = _open_change_sets(cloudformation, target.stack)
    command = _sam(target, "deploy", "--s3-prefix", target.stack, *more)
    command += sam.overriding(parameters)
    if subprocess.run(command, cwd=ROOT, env=_environment(target), check=False).returncode:
        raise Problem("The deployment failed; the lines above say where.")
    with _aws():
        # SAM also exits with 0 when its question is answered with no.
        declined = _open_change_sets(cloudformation, target.stack) - before
        for change_set in declined:
            cloudformation.delete_change_set(ChangeSetName=change_set)
        # The first change set made an empty stack; others may wait in it.
        is_new = _status(cloudformation, target.stack) == "REVIEW_IN_PROGRESS"
        if declined and is_new and not before:
            _delete(cloudformation, target.stack)
    if declined:
        raise Problem("The answer was no: nothing was deployed.")


def destroy(target: Target, *, agreed: bool, with_data: bool) -> None:
    """Delete a shop's stack.

    Args:
        agreed: don't ask.
        with_data: delete the tables and keys as well, which outlive their stack.

    Raises:
        Problem: it was declined, or failed.
    """
    with _aws():
        session = target.session()
        _print_account(session, target.stack)
        if not stack.exists(session.client("cloudformation"), target.stack):
            print(f"There is no stack {target.stack} in {target.region}.")
            return
        kept = _kept_resources(session.client("cloudformation"), target.stack)
        if with_data:
            _require_unprotected(target, session, kept["AWS::DynamoDB::Table"])
    # Before anything is deleted: no list of a deleted stack has these names.
    for names in filter(None, kept.values()):
        print("What is deleted as well:" if with_data else "What stays:", *names, flush=True)
    data = "and its data for good" if with_data else "(its tables and signing keys stay)"
    question = f"Delete {target.stack} in {target.region} {data}? Type the stack's name: "
    if not agreed and _answer(question) != target.stack:
        raise Problem("Nothing was deleted.")
    with _aws():
        outputs = stack.outputs(session.client("cloudformation"), target.stack)
        if bucket := outputs.get("WebBucket"):
            # CloudFormation deletes no bucket that has objects.
            _empty(session.client("s3"), bucket)
    command = _sam(target, "delete", "--no-prompts")
    if subprocess.run(command, cwd=ROOT, env=_environment(target), check=False).returncode:
        raise Problem("The stack was not deleted; the lines above say why.")
    if not with_data:
        return
    dynamodb, kms = session.client("dynamodb"), session.client("kms")
    with _aws(), step("delete the data"):
        for table in kept["AWS::DynamoDB::Table"]:
            with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
                dynamodb.delete_table(TableName=table)
        for key in kept["AWS::KMS::Key"]:
            # The second one: its deletion is scheduled already.
            gone = kms.exceptions.NotFoundException, kms.exceptions.KMSInvalidStateException
            with contextlib.suppress(*gone):
                kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _print_account(session: "boto3.Session", name: str) -> None:
    """Where a command is about to work, and by which endpoints if the shell names some."""
    account = session.client("sts").get_caller_identity()["Account"]
    print(f"▸ account {account}   region {session.region_name}   stack {name}", end="")
    shell = {v for name, v in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")}
    print(*(f"   endpoint {url}" for url in sorted(shell)), sep="", flush=True)


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        print()
        return ""


def _sam(target: Target, command: str, *more: str) -> list[str]:
    where = ("--config-env", target.environment, "--stack-name", target.stack)
    return [str(SAM_PYTHON), "-m", "samcli", command, *where, "--region", target.region, *more]


def _environment(target: Target) -> dict[str, str]:
    """SAM's environment, with the target's region and not the shell's."""
    region = {"AWS_REGION": target.region, "AWS_DEFAULT_REGION": target.region}
    return {**os.environ, **region, **sam.quiet(), "SAM_CLI_POLL_DELAY": "5"}


def _own_addresses(target: Target, overrides: Mapping[str, str]) -> dict[str, str]:
    """The template's parameters for the environment, with overrides.

    Raises:
        Problem: an address is still an example.
    """
    parameters = {**sam.parameters(target.environment), **overrides}
    for name in ("SenderEmail", "AdminEmail", "ShopUrl"):
        address = parameters.get(name, str(template()["Parameters"][name]["Default"]))
        if not address or _EXAMPLE.search(address):
            raise Problem(
                f"{name} is still {address or 'empty'}: set an address of your own in the "
                f"parameter_overrides of [{target.environment}.deploy.parameters], samconfig.toml."
            )
    return parameters


def _require_bootstrap(target: Target, cloudformation: "CloudFormationClient") -> None:
    if not bootstrap.is_deployed(cloudformation):
        raise Problem(
            f"This account is not prepared for a shop in {target.region}: "
            f"`make bootstrap ENV={target.environment}` does it, once for all shops there."
        )


def _require_sender(target: Target, ses: "SESV2Client", address: str) -> None:
    """SES has the address or its domain; one that is not verified yet is only warned of."""
    for identity in (address, address.rpartition("@")[2]):
        verified = _is_verified(ses, identity)
        if verified is False:
            print(f"▸ {identity} is not verified yet: no e-mail is sent until it is.")
        if verified is not None:
            return
    raise Problem(
        f"SES in {target.region} may not send as {address}: `make bootstrap "
        f"ENV={target.environment} SENDER={address}`, or SENDER= the domain for all its addresses."
    )


def _is_verified(ses: "SESV2Client", identity: str) -> bool | None:
    """None where SES does not know the identity."""
    with contextlib.suppress(ses.exceptions.NotFoundException):
        return ses.get_email_identity(EmailIdentity=identity)["VerifiedForSendingStatus"]
    return None


def _require_unprotected(target: Target, session: "boto3.Session", tables: list[str]) -> None:
    """Check before the stack is deleted, not when only its tables are left."""
    dynamodb = session.client("dynamodb")
    for table in tables:
        with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
            if dynamodb.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"):
                raise Problem(
                    f"Nothing was deleted: {table} is protected. Remove the protection of "
                    f"each table: `aws dynamodb update-table --region {target.region} "
                    f"--table-name {table} --no-deletion-protection-enabled`."
                )


def _status(cloudformation: "CloudFormationClient", name: str) -> str | None:
    """None where there is no such stack."""
    if not stack.exists(cloudformation, name):
        return None
    return cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


def _delete(cloudformation: "CloudFormationClient", name: str) -> None:
    cloudformation.delete_stack(StackName=name)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 3})


def _open_change_sets(cloudformation: "CloudFormationClient", name: str) -> set[str]:
    """Those that wait to be executed, by ARN."""
    try:
        pages = list(cloudformation.get_paginator("list_change_sets").paginate(StackName=name))
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ValidationError", "StackNotFoundException"}:
            return set()
        raise
    return {
        change_set["ChangeSetId"]
        for page in pages
        for change_set in page["Summaries"]
        if change_set["ExecutionStatus"] == "AVAILABLE"
    }


def _kept_resources(cloudformation: "CloudFormationClient", name: str) -> dict[str, list[str]]:
    """What outlives the stack: physical names by type."""
    kept: dict[str, list[str]] = {"AWS::DynamoDB::Table": [], "AWS::KMS::Key": []}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    for resource in (one for page in pages for one in page["StackResourceSummaries"]):
        declared = template()["Resources"].get(resource["LogicalResourceId"], {})
        physical = resource.get("PhysicalResourceId")
        if not physical or resource["ResourceStatus"] == "DELETE_COMPLETE":
            continue
        if declared.get("DeletionPolicy") == "RetainExceptOnCreate":
            kept[resource["ResourceType"]].append(physical)
    return kept


@contextlib.contextmanager
def _aws() -> Iterator[None]:
    """Report AWS's refusals as a Problem."""
    try:
        yield
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"AWS refuses: {cause}") from None
