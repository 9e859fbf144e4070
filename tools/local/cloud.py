"""`make deploy`: the template into a real account, by the settings of samconfig.toml."""

import os
import subprocess
from typing import Final

import boto3

from tools.local import sam, stack
from tools.local.places import ROOT, SAM_PYTHON, STATE
from tools.progress import Problem, step

_BUILD: Final = ROOT / ".aws-sam/build"


def deploy(environment: str) -> None:
    """Build for the architecture that the environment names, and deploy; SAM itself tells how it goes."""
    if boto3.Session().get_credentials() is None:
        raise Problem(
            "There are no AWS credentials here: log in (for example `aws sso login`) first."
        )
    platform = sam.parameters(environment)["Architecture"]
    with step(f"build for {platform}"):
        sam.build(STATE / "build.log", _BUILD, config=environment, platform=platform)
    command = (SAM_PYTHON, "-m", "samcli", "deploy", "--config-env", environment)
    settings = {**os.environ, **sam.quiet(), "SAM_CLI_POLL_DELAY": "5"}
    if subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode:
        raise Problem("The deployment failed; the lines above say where.")
    with step("publish the API"):
        _publish(environment)


def _publish(environment: str) -> None:
    settings = sam.settings(environment)
    session = boto3.Session(region_name=settings["region"])
    outputs = stack.outputs(session.client("cloudformation"), settings["stack_name"])
    stack.publish(session.client("apigateway"), outputs)
