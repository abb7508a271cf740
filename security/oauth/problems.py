"""Problems of the token endpoint in the shape of RFC 6749 §5.2.

``error_description`` is English, because the RFC allows ASCII only; ``error_description_zh`` says the same in Chinese.
"""

from __future__ import annotations

from typing import Final

from gateway.fhir.problem import Problem

_ERRORS: Final = {
    "SEC-121": "invalid_request",
    "SEC-122": "invalid_client",
    "SEC-123": "unsupported_grant_type",
    "SEC-124": "invalid_scope",
    "SEC-119": "temporarily_unavailable",
}


def render(problem: Problem) -> dict[str, str]:
    """Return the body for ``problem``; a code that is not of the token endpoint becomes server_error, without text."""
    error = _ERRORS.get(problem.code)
    if error is None:
        return {"error": "server_error"}
    return {
        "error": error,
        "error_description": problem.text("en"),
        "error_description_zh": problem.text("zh"),
    }
