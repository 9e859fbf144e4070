"""Loops of the template are expanded as the emulator expands them, whose authors have measured
CloudFormation's transform."""

import json
import subprocess
from typing import Any, Final

from tools.language_extensions import expand
from tools.local.places import EMULATOR_PYTHON
from tools.template import ROOT, read, template

_EXPAND: Final = """
import json, sys
from ministack.services.cloudformation.language_extensions import apply
json.dump(apply(json.load(sys.stdin), {}), sys.stdout)
"""


def _expanded_by_emulator(given: dict[str, Any]) -> dict[str, Any]:
    ended = subprocess.run(
        (EMULATOR_PYTHON, "-c", _EXPAND),
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    expanded: dict[str, Any] = json.loads(ended.stdout)
    return expanded


def test_loops_are_expanded_as_the_emulator_does() -> None:
    given = read(ROOT / "template.yaml")
    assert "Fn::ForEach" in json.dumps(given)
    # Our own expansion gives functions of constants the same form.
    by_emulator = expand(_expanded_by_emulator(given))
    assert by_emulator["Resources"] == template()["Resources"]
    assert by_emulator["Outputs"] == template()["Outputs"]
