"""What the transform AWS::LanguageExtensions does with template.yaml: a copy without loops, for the
tools that read none.

The readers of the template, checkov, cfn-lint's rules for serverless applications and the
emulator's adaptation get this copy. `sam validate`, `sam build` and CloudFormation read the loops
themselves.

Of the transform, only what the template uses: `Fn::ForEach` over lists, and in its fragments `Ref`
to the identifier, `${Identifier}` in `Fn::Sub` and in keys, and `Fn::FindInMap`. What a function
gives without a deployment is put in its place.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TRANSFORM: Final = "AWS::LanguageExtensions"
_LOOP: Final = "Fn::ForEach::"
_PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")


def expand(template: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the template, its loops expanded."""
    scope = _Scope(template.get("Mappings", {}), {})
    expanded: dict[str, Any] = {
        section: scope.expanded(value) if section in ("Resources", "Outputs") else value
        for section, value in template.items()
        if section != "Mappings"
    }
    transforms = template.get("Transform")
    if isinstance(transforms, list):
        [expanded["Transform"]] = [name for name in transforms if name != TRANSFORM]
    return expanded


@dataclass(frozen=True)
class _Scope:
    """A part of the template, and the identifiers of the loops around it with their values."""

    mappings: Mapping[str, Any]
    names: Mapping[str, str]

    def expanded(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.expanded(item) for item in value]
        if not isinstance(value, dict):
            return value
        members: dict[str, Any] = {}
        for key, member in value.items():
            if key.startswith(_LOOP):
                members |= self._repeated(*member)
            else:
                members[_substituted(key, self.names)] = self.expanded(member)
        return self._applied(members) if len(members) == 1 else members

    def _repeated(self, identifier: str, items: list[str], fragment: dict[str, Any]) -> Any:
        made: dict[str, Any] = {}
        for item in items:
            made |= _Scope(self.mappings, {**self.names, identifier: item}).expanded(fragment)
        return made

    def _applied(self, call: dict[str, Any]) -> Any:
        match call:
            case {"Ref": str(name)} if name in self.names:
                return self.names[name]
            case {"Fn::FindInMap": [name, row, column]}:
                return self.mappings[name][row][column]
            # SAM finds what it makes itself, such as `UsersApi.Version`, in a list only.
            case {"Fn::GetAtt": [name, attribute]} if "." not in name:
                return {"Fn::GetAtt": f"{name}.{attribute}"}
            case {"Fn::Sub": str(text)}:
                return _sub(text, self.names)
            case {"Fn::Sub": [text, values]} if all(isinstance(v, str) for v in values.values()):
                return _sub(text, {**self.names, **values})
        return call


def _sub(text: str, names: Mapping[str, str]) -> str | dict[str, str]:
    """A text where all its names are known, else the function with those that are not."""
    substituted = _substituted(text, names)
    return {"Fn::Sub": substituted} if "${" in substituted else substituted


def _substituted(text: str, names: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: names.get(match[1], match[0]), text)
