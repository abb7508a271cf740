"""The table of problems: code -> HTTP status, FHIR issue type, Chinese and English text.

Codes are stable and grouped by room (FHIR-, STO-, SEC-, API-, HUB-, IN-, FMT-, MAP-, ID-, WF-, TRM-, CFG-, CLI-); a
retired code stays as a comment. Texts name what is wrong, where, and the way out; they never quote patient data.
"""

from __future__ import annotations

from typing import Final

from gateway.fhir.problem_table import care, core, doors, installation, records, security, terms
from gateway.fhir.problem_table.row import Row

__all__ = ["TABLE", "Row"]

TABLE: Final[dict[str, Row]] = {
    **core.ROWS,
    **security.ROWS,
    **doors.ROWS,
    **records.ROWS,
    **care.ROWS,
    **terms.ROWS,
    **installation.ROWS,
}
"""Every row by its code; no two rooms share a prefix."""
