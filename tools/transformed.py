"""The template as CloudFormation gets it: what SAM's own transform makes of template.yaml, offline.

    python -m tools.transformed    lints it

The transform runs in SAM's environment, and depends on the value of no parameter but Deployments.
"""

import copy
import json
import subprocess
import sys
from functools import cache
from typing import Any, Final

from tools.commands import output
from tools.local.places import REGION, ROOT, SAM_PYTHON, STATE, clean_environment
from tools.template import template

_TRANSFORM: Final = """
import json, sys
from types import SimpleNamespace
from samtranslator.translator.transform import transform
template, parameters = json.load(sys.stdin)
json.dump(transform(template, parameters, SimpleNamespace(load=dict)), sys.stdout)
"""
# Where `sam package` puts code: SAM's transform takes no folder.
_CODE: Final = "s3://bucket/key"


@cache
def transformed(deployments: str = "auto") -> dict[str, Any]:
    """The template without anything of SAM's.

    Args:
        deployments: the parameter Deployments, whose value SAM writes into the template.
    """
    packaged = copy.deepcopy(template())
    packaged["Globals"]["Function"]["CodeUri"] = _CODE
    for resource in packaged["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = _CODE
    made = output(
        "SAM cannot transform template.yaml.",
        *(SAM_PYTHON, "-c", _TRANSFORM),
        env={**clean_environment(), "AWS_DEFAULT_REGION": REGION},
        given=json.dumps([packaged, {"Deployments": deployments}]),
    )
    transformed: dict[str, Any] = json.loads(made)
    return transformed


def main() -> int:
    STATE.mkdir(exist_ok=True)
    file = STATE / "transformed.json"
    file.write_text(json.dumps(transformed(), indent=1))
    # SAM repeats the condition of a function in each part of its routes.
    ignored = ("--ignore-checks", "W1028")
    cfn_lint = (ROOT / ".venv/bin/cfn-lint", "--regions", REGION, *ignored, "--", file)
    return subprocess.run(cfn_lint, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
