"""Get a token as a client does: discovery, assertion, token endpoint.

Source: SMART App Launch 2.2 "Backend Services".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from gateway.fhir.problem import Problem
from security.oauth.client import token_request

EVERYTHING = ("system/*.cruds", "intake/*.c")
"""Asks for all that the client is allowed: the server cuts it down to that."""
TIMEOUT_S = 15.0
_DISCOVERY = "/.well-known/smart-configuration"


async def token_endpoint(base: str) -> str:
    """Return the token endpoint of the FHIR server at ``base``. Raises Problem("CLI-006") when nothing answers."""
    async with _http() as http:
        try:
            answer = await http.get(base.rstrip("/") + _DISCOVERY)
            return str(answer.raise_for_status().json()["token_endpoint"])
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
            raise Problem("CLI-006", url=base) from None


async def fetch_token(
    private: Mapping[str, Any], client_id: str, *, endpoint: str, scopes: Iterable[str] = EVERYTHING
) -> Mapping[str, Any]:
    """Return the token endpoint's answer (RFC 6749 §5.1). Raises Problem CLI-007 (refused), CLI-006 (no answer)."""
    now = datetime.now(UTC)  # noqa: TID251 - this is the client's side, with the client's clock
    form = token_request(private, client_id, token_endpoint=endpoint, scopes=scopes, now=now)
    async with _http() as http:
        try:
            answer = await http.post(endpoint, data=form)
            body: Mapping[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError):
            raise Problem("CLI-006", url=endpoint) from None
    if answer.status_code != httpx.codes.OK:
        raise Problem("CLI-007", url=endpoint, reason=str(body.get("error_description", body.get("error", ""))))
    return body


def _http() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
