"""Writes the bill of materials of what is deployed: `python -m tools.sbom`, a CycloneDX document in .cache/sbom.json.

It is read from the app's environment, which has what Lambda has and the tools beside it; the tools are left out.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from gateway import NAME, VERSION
from tools.local.places import APP_PYTHON, ROOT
from tools.progress import Problem, step, stop

TARGET: Final = ROOT / ".cache/sbom.json"
_LAYER: Final = ROOT / "layers/shared"
_DEV: Final = ROOT / "requirements/dev.txt"
# The docs page is made of this package's files, and nothing else of it is deployed.
_PAGE: Final = "fastapi-swagger"
_SPEC: Final = "1.6"
_AUDIT: Final = ROOT / ".tools/audit/bin"
_VALIDATE: Final = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()) or "") or 0)
"""

type Node = dict[str, Any]


def hashes(requirements: str) -> dict[str, list[str]]:
    """The SHA-256 hashes of each package in the text of a file of pinned requirements."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in requirements.splitlines():
        if start := re.match(r"([A-Za-z0-9._-]+)==", line):
            name = _normalised(start[1])
            found[name] = []
        found.get(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


def deployed(everything: Node, known: dict[str, list[str]], direct: set[str]) -> Node:
    """The document of an environment, cut down to the packages that are deployed and completed.

    Args:
        known: the deployed packages, and the hashes of the files that they may come from.
        direct: those of them that Bodega itself asks for.
    """
    components = [c for c in everything["components"] if _normalised(c["name"]) in known]
    refs = {c["bom-ref"]: _normalised(c["name"]) for c in components}
    for component in components:
        component["properties"] = [
            {"name": "bodega:sha256", "value": value} for value in known[refs[component["bom-ref"]]]
        ]
    root = {**everything["metadata"]["component"], "name": NAME, "version": VERSION}
    links = [
        {**link, "dependsOn": [ref for ref in link.get("dependsOn", ()) if ref in refs]}
        for link in everything["dependencies"]
        if link["ref"] in refs
    ]
    ours = {"ref": root["bom-ref"], "dependsOn": [r for r, name in refs.items() if name in direct]}
    metadata = {**everything["metadata"], "component": root}
    return {
        **everything,
        "metadata": metadata,
        "components": components,
        "dependencies": [ours, *links],
    }


def _normalised(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(*command: str | Path, stdin: str | None = None) -> str:
    ended = subprocess.run(
        command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise Problem(f"The bill of materials could not be made.\n  {ended.stderr.strip()}")
    return ended.stdout


def main() -> int:
    known = hashes((_LAYER / "requirements.txt").read_text())
    known[_PAGE] = hashes(_DEV.read_text())[_PAGE]
    asked = re.findall(r"^([A-Za-z0-9-]+)", (_LAYER / "requirements.in").read_text(), re.MULTILINE)
    try:
        with step("bill of materials") as current:
            made = _run(
                *(_AUDIT / "cyclonedx-py", "environment", "--pyproject", "pyproject.toml"),
                *("--output-reproducible", "--sv", _SPEC, APP_PYTHON),
            )
            document = deployed(json.loads(made), known, {_PAGE, *map(_normalised, asked)})
            text = json.dumps(document, indent=2) + "\n"
            _run(_AUDIT / "python", "-c", _VALIDATE, stdin=text)
            TARGET.parent.mkdir(exist_ok=True)
            TARGET.write_text(text)
            current.note(f"{len(document['components'])} packages, {TARGET.relative_to(ROOT)}")
    except Problem as problem:
        return stop(problem)
    missing = set(known) - {_normalised(c["name"]) for c in document["components"]}
    if missing:
        # Those for other platforms than this one are not installed here.
        print(f"  not installed here, and left out: {', '.join(sorted(missing))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
