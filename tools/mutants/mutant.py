"""A mutant: one place of the code that is wrong on purpose."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """What is broken and who must notice.

    Args:
        name: what the code does wrong, as a sentence.
        file: where, from the project's root.
        old: the text that makes it right; it stands in the file exactly once.
        new: what stands there instead.
        tests: pytest's arguments (files, or tests in them), the one that is to notice first.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The file's text with the mistake in it.

        Raises:
            ValueError: what it replaces does not stand there exactly once.
        """
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: what it replaces stands in {self.file} not once")
        return text.replace(self.old, self.new)

    def apply(self, root: Path) -> None:
        """Break the copy of the project that lies there."""
        path = root / self.file
        path.write_text(self.applied(path.read_text()))


_MATRIX = (
    "tests/crashes/test_matrix.py::test_no_failure_of_a_single_cloud_call_breaks_a_promise[{}]"
)


def matrix(*scenarios: str) -> tuple[str, ...]:
    """Scenarios of the crash matrix, by their names."""
    return tuple(_MATRIX.format(scenario) for scenario in scenarios)
