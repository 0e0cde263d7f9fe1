"""What a check has to say: findings in words, and a report of them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "warning", "problem"]
"""ok: as it should be, or good to know; warning: works, at a price; problem: wrong numbers or an error."""

_WIDTH, _INDENT = 110, " " * 9


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it is about, for instance "vmap".
        severity: "ok", "warning" or "problem".
        seen: what was seen.
        why: why it matters; empty where that is plain.
        change: what to change; empty where nothing is to be done.

    >>> print(Finding("frozen", "ok", "2 parameters are frozen and stay as they are."))
    ok       frozen: 2 parameters are frozen and stay as they are.
    """

    name: str
    severity: Severity
    seen: str
    why: str = ""
    change: str = ""

    def __str__(self) -> str:
        said = [("why", self.why), ("change", self.change)]
        first = textwrap.fill(f"{self.severity:<8} {self.name}: {self.seen}", _WIDTH, subsequent_indent=_INDENT)
        rest = [
            textwrap.fill(f"{label}: {text}", _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
            for label, text in said
            if text
        ]
        return "\n".join([first, *rest])


@dataclass(frozen=True)
class Report:
    """The findings of `innerloop.check`.

    Attributes:
        module: name of the module's class.
        findings: in the order in which they were made.
        not_run: names of checks that could not be run before the problems are mended.

    >>> report = Report("Net", (Finding("vmap", "warning", "It has no batching rule."),))
    >>> report.ok, [finding.name for finding in report.warnings]
    (True, ['vmap'])
    """

    module: str
    findings: tuple[Finding, ...]
    not_run: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the module can be used: there may be warnings, but no problem."""
        return not self.problems

    @property
    def problems(self) -> list[Finding]:
        """What has to be changed."""
        return [finding for finding in self.findings if finding.severity == "problem"]

    @property
    def warnings(self) -> list[Finding]:
        """What works at a price."""
        return [finding for finding in self.findings if finding.severity == "warning"]

    def named(self, name: str) -> list[Finding]:
        """The findings about one thing."""
        return [finding for finding in self.findings if finding.name == name]

    def __str__(self) -> str:
        lines = [str(finding) for finding in self.findings]
        if self.not_run:
            lines.append(f"Not looked at before the problems are mended: {', '.join(self.not_run)}.")
        return "\n".join([*lines, f"{self.module} {self._verdict()}"])

    def _verdict(self) -> str:
        problems, warnings = _count(self.problems, "problem"), _count(self.warnings, "warning")
        if self.ok:
            return f"can be meta-trained: {problems}, {warnings}."
        return f"cannot be meta-trained as it is: {problems}, {warnings}."


def _count(findings: list[Finding], what: str) -> str:
    return f"{len(findings) or 'no'} {what}{'' if len(findings) == 1 else 's'}"
