"""The name of a service, in the forms that code, template and documents use."""

import re
from dataclasses import dataclass
from typing import Final, Self

_NAME: Final = re.compile(r"[a-z]+(-[a-z]+)*")
_PLURAL: Final = re.compile(r".*[^s]s")
_LONGEST: Final = 30
# Plurals in -es: the rest of the word is the singular. Not so houses, purchases and sizes.
_IN_ES: Final = re.compile(r"(ss|[^o]us|x|ch|sh)es$")


@dataclass(frozen=True)
class Names:
    """What a service is about: `order-notes`, and each of them an `order-note`."""

    plural: str
    singular: str

    @classmethod
    def of(cls, plural: str, singular: str = "") -> Self:
        """The names of a service.

        Args:
            singular: empty for the regular one.

        Raises:
            ValueError: one of them has another form.
        """
        if not _NAME.fullmatch(plural) or not _PLURAL.fullmatch(plural) or len(plural) > _LONGEST:
            raise ValueError(
                f"A service is named after what it stores, by a plural in lower case such as"
                f" reviews or order-notes: {plural or 'NAME= is missing'}"
            )
        singular = singular or _singular(plural)
        if not _NAME.fullmatch(singular) or singular == plural:
            raise ValueError(f"The singular of {plural} is missing: add SINGULAR=…")
        return cls(plural, singular)

    @property
    def package(self) -> str:
        """`order_notes`."""
        return _snake(self.plural)

    @property
    def title(self) -> str:
        """`OrderNotes`, as in logical ids of the template."""
        return _camel(self.plural)

    def applied(self, text: str) -> str:
        """The text with this name in the place of the placeholder."""
        # The plural first: it contains the singular.
        for placeholder, own in (("sample-notes", self.plural), ("sample-note", self.singular)):
            for form in _FORMS:
                text = text.replace(form(placeholder), form(own))
        return text


def _singular(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural.removesuffix('ies')}y"
    return plural[:-2] if _IN_ES.search(plural) else plural[:-1]


def _snake(name: str) -> str:
    return name.replace("-", "_")


def _words(name: str) -> str:
    return name.replace("-", " ")


def _sentence(name: str) -> str:
    return _words(name).capitalize()


def _camel(name: str) -> str:
    return name.title().replace("-", "")


def _lower_camel(name: str) -> str:
    return name[0] + _camel(name)[1:]


def _upper(name: str) -> str:
    return _snake(name).upper()


_FORMS: Final = (str, _snake, _words, _sentence, _camel, _lower_camel, _upper)
