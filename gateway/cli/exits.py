"""What the exit codes mean. Codes may be added; one that a script does not know is a failure.

Source: design default, after the documented codes of restic.
"""

from __future__ import annotations

from enum import IntEnum

from gateway.fhir.problem import Problem


class Exit(IntEnum):
    """The exit codes of every word."""

    OK = 0
    FAILED = 1
    USAGE = 2
    FINDINGS = 3
    """Done, and something was found: a warning of `doctor`, a map that fails its cases."""
    BROKEN = 4
    """Integrity is broken; alone, so that a monitor can page on it."""
    REFUSED = 5
    DENIED = 6
    UNAVAILABLE = 7
    """A database or a server does not answer: trying again may help."""
    NOT_FOUND = 8
    CONFLICT = 9
    INTERRUPTED = 130


_BY_STATUS = {
    400: Exit.USAGE,
    401: Exit.DENIED,
    403: Exit.DENIED,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    422: Exit.USAGE,
    503: Exit.UNAVAILABLE,
}
_BY_CODE = {
    "CFG-008": Exit.REFUSED,
    "CLI-012": Exit.REFUSED,
    "CLI-013": Exit.REFUSED,
    "TRM-014": Exit.REFUSED,
    "SEC-131": Exit.CONFLICT,
    "SEC-910": Exit.CONFLICT,
    "SEC-901": Exit.BROKEN,
    "SEC-902": Exit.BROKEN,
    "SEC-913": Exit.BROKEN,
    "SEC-951": Exit.BROKEN,
}


def exit_of(problem: Problem) -> Exit:
    """Return the exit code for ``problem``."""
    return _BY_CODE.get(problem.code) or _BY_STATUS.get(problem.status, Exit.FAILED)
