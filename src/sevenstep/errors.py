"""Every error a person can cause, in one shape: what was given, the rule, the fix.

The exit code tells a missed KPI (1) from a bad input (2) from a failure of ours (3). ``code`` is stable
(tests and scripts may rely on it), ``where`` points to the file, line and column, or to the column and row of a table.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["CollectedErrors", "InputError", "InputWarning", "InternalError", "SevenstepError"]


class SevenstepError(Exception):
    """Base of all errors of this package; catch it to handle whatever sevenstep can tell in one sentence.

    Args:
        code: stable identifier such as ``DATA-NO-FILE``.
        given: what was given, as a clause ("target 'Sale' is not a column").
        rule: the rule it breaks ("the target must be a column of the data").
        fix: what to do ("did you mean 'Sales'?").
        where: place of the fault, ``file:line:column`` or a table and row; empty when there is none.
    """

    exit_code = 3

    def __init__(self, code: str, given: str, rule: str, fix: str, *, where: str = "") -> None:
        self.code, self.given, self.rule, self.fix, self.where = code, given, rule, fix, where
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """The whole error as one sentence, with its place first and its code last."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.given}; {self.rule}; {self.fix} [{self.code}]"

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error travel back from a worker process with all its parts."""
        return _rebuild, (type(self), self.code, self.given, self.rule, self.fix, self.where)


def _rebuild(kind: type[SevenstepError], code: str, given: str, rule: str, fix: str, where: str) -> SevenstepError:
    return kind(code, given, rule, fix, where=where)


class InputError(SevenstepError):
    """The spec, the data or the command line is at fault: exit code 2."""

    exit_code = 2


class InputWarning(UserWarning):
    """What is asked for can be done, and the outcome is worth less than it looks: one sentence, shown on the error stream."""


class InternalError(SevenstepError):
    """A fault of ours: exit code 3."""

    exit_code = 3


class CollectedErrors(InputError):
    """Several input errors found in one pass, reported together (``errors`` keeps them apart)."""

    def __init__(self, errors: Sequence[SevenstepError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(first.code, first.given, first.rule, first.fix, where=first.where)

    def sentence(self) -> str:
        """All errors, one a line."""
        return "\n".join(error.sentence() for error in self.errors)

    def __reduce__(self) -> tuple[object, ...]:
        """Let all the errors travel back from a worker process."""
        return CollectedErrors, (self.errors,)
