"""Expected failures, named: one stable code each, one table of texts, rendered only by the doors.

A room raises ``Problem("MAP-003", where=..., source=..., table=...)``; the row in `problem_table` holds the HTTP
status, the FHIR issue type and both texts. Anything else that is raised is a fault and becomes a bare 500.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from gateway.fhir.problem_table import TABLE, Row

Severity = Literal["fatal", "error", "warning", "information"]
Lang = Literal["zh", "en"]
SYSTEM = "https://yiyang-gateway.example/fhir/CodeSystem/yy-problem"


class Problem(Exception):  # noqa: N818 - the word callers and docs use
    """An expected failure.

    ``where`` is a FHIRPath of the output (``Encounter.class``), ``source`` a place in the input (``PV1-2`` or
    ``mappings/hospital/json-discharge/map.yaml:41``). ``detail`` fills the texts and must hold no patient data:
    it is shown, logged and audited as it is.
    """

    def __init__(
        self, code: str, /, *, where: str = "", source: str = "", severity: Severity = "error", **detail: str | int
    ) -> None:
        """Build the problem ``code``; KeyError when the table has no such row."""
        self.code = code
        self.row: Row = TABLE[code]
        self.where = where
        self.source = source
        self.severity: Severity = severity
        self.detail = detail
        super().__init__(code)

    def __str__(self) -> str:
        """Return the code and the English sentence."""
        return f"{self.code} {self.text('en')}"

    @property
    def status(self) -> int:
        """Return the HTTP status of the row."""
        return self.row.status

    def text(self, lang: Lang) -> str:
        """Return the sentence in ``lang`` with the details filled in."""
        template = self.row.zh if lang == "zh" else self.row.en
        return template.format_map(_Blank(self.detail))


class Problems(Exception):  # noqa: N818 - several of them
    """Several problems found at once; the first error decides the status. Never empty."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Hold ``problems`` in the order found; ValueError when there is none."""
        if not problems:
            raise ValueError("Problems needs at least one problem")
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in problems))

    @property
    def status(self) -> int:
        """Return the HTTP status of the first error."""
        worst = next((p for p in self.problems if p.severity in ("fatal", "error")), self.problems[0])
        return worst.status


class _Blank(dict[str, str | int]):
    """Format arguments where a missing one shows as its name instead of failing."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def to_outcome(problems: Iterable[Problem], lang: Lang = "zh") -> dict[str, object]:
    """Return the R4 OperationOutcome for ``problems``, one issue each in the order given, texts in both languages.

    ``details.text`` is in ``lang``; the other language follows in the translation extension (R4
    `languages.html#ext`).
    """
    return {"resourceType": "OperationOutcome", "issue": [_issue(problem, lang) for problem in problems]}


def _issue(problem: Problem, lang: Lang) -> dict[str, object]:
    other: Lang = "en" if lang == "zh" else "zh"
    issue: dict[str, object] = {
        "severity": problem.severity,
        "code": problem.row.issue,
        "details": {
            "coding": [{"system": SYSTEM, "code": problem.code}],
            "text": problem.text(lang),
            "_text": {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/translation",
                        "extension": [
                            {"url": "lang", "valueCode": "zh-CN" if other == "zh" else "en"},
                            {"url": "content", "valueString": problem.text(other)},
                        ],
                    }
                ]
            },
        },
    }
    if problem.source:
        issue["diagnostics"] = problem.source
    if problem.where:
        issue["expression"] = [problem.where]
    return issue
