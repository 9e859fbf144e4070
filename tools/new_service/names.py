"""The name of a service, in the forms that code and template use."""

import re
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Names:
    """A service's name: `reviews`, its noun `review`, and `Reviews` in logical ids."""

    service: str
    noun: str
    title: str

    @classmethod
    def of(cls, service: str) -> Self:
        """The forms of a name.

        Raises:
            ValueError: it is not a regular English plural in lower case.
        """
        if not re.fullmatch(r"[a-z]{2,20}[a-rt-z]s", service):
            raise ValueError(f"{service!r} is not a plural such as `reviews`")
        return cls(service, service.removesuffix("s"), service.title())

    def applied(self, text: str) -> str:
        """The text with this name in the place of `things`."""
        for form, own in (("things", self.service), ("thing", self.noun), ("Things", self.title)):
            text = text.replace(form, own)
        return text.replace("THING", self.noun.upper())
