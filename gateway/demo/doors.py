"""A running gateway seen from outside: the four things that a client does with it, and waiting for what follows.

In: where it answers and how tokens are had. Out: answers, or `StepFailed` with the reason, without any elder's data.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.demo.county import Elder
from gateway.demo.records import Record

CARD = "urn:oid:2.16.156.10011.1.3"
"""The identifier system of the resident identity card (domain.md §2.1)."""
WITHIN_S = 10.0
"""How long to wait for what follows by itself; on a quiet machine it takes a fraction of a second."""
PACE_S = 0.05

Doc = dict[str, Any]


class StepFailed(Exception):  # noqa: N818 - the story's word
    """A step did not hold; the text says which and why, without any elder's data."""


@dataclass(frozen=True, slots=True)
class Where:
    """The doors of a running gateway. URLs without a trailing slash."""

    base: str
    intake: str
    mllp_host: str
    mllp_port: int


Token = Callable[[str], Awaitable[str]]
"""Return an access token of a demo client by its name (`centre-doctor`)."""


class Doors:
    """Ask and send in the name of the demo's clients."""

    def __init__(self, where: Where, *, token: Token, http: httpx.AsyncClient, within_s: float = WITHIN_S) -> None:
        """Hold the doors, how tokens are had, an HTTP client, and the patience."""
        self.where = where
        self._token = token
        self._http = http
        self._within_s = within_s

    async def post(self, client: str, feed: str, record: Record) -> None:
        """Send ``record`` to ``feed``; anything but AA fails."""
        headers = {"Authorization": f"Bearer {await self._token(client)}"}
        response = await self._http.post(f"{self.where.intake}/{feed}", json=record, headers=headers)
        answer = response.json() if response.status_code == httpx.codes.OK else {}
        if answer.get("success") != "AA":
            raise StepFailed(f"{feed}: HTTP {response.status_code} {answer.get('msg') or response.text[:300]}")

    async def stored(self, client: str, feed: str, message_id: str, *, until: str = "") -> Mapping[str, Any]:
        """Wait until the message is stored (and its hand-over is ``until``); return its state."""
        headers = {"Authorization": f"Bearer {await self._token(client)}"}
        deadline = time.monotonic() + self._within_s
        while True:
            response = await self._http.get(f"{self.where.intake}/{feed}/{message_id}", headers=headers)
            data: Mapping[str, Any] = response.json()["data"]
            state = data.get("state")
            if state == "stored" and (not until or data.get("handover") == until):
                return data
            if state in ("parked", "dead"):
                codes = " ".join(str(one["code"]) for one in data.get("issues", ()))
                raise StepFailed(f"{feed} {message_id} is {state}: {codes}")
            await self._pause(deadline, f"{feed} {message_id} is {state} {data.get('handover', '')}")

    async def state(self, client: str, feed: str, message_id: str) -> str:
        """Return where the message stands, "" when it was never sent."""
        headers = {"Authorization": f"Bearer {await self._token(client)}"}
        response = await self._http.get(f"{self.where.intake}/{feed}/{message_id}", headers=headers)
        return str(response.json()["data"].get("state", "")) if response.status_code == httpx.codes.OK else ""

    async def until(
        self, client: str, kind: str, params: Mapping[str, str], *, within_s: float | None = None
    ) -> list[Doc]:
        """Search until something is found."""
        deadline = time.monotonic() + (self._within_s if within_s is None else within_s)
        while not (rows := await self.search(client, kind, params)):
            await self._pause(deadline, f"{client} finds no {kind}")
        return rows

    async def search(self, client: str, kind: str, params: Mapping[str, str]) -> list[Doc]:
        """Return the matches of a search by POST; none where it is refused."""
        response = await self.request(client, "POST", f"{kind}/_search", data=dict(params))
        if response.status_code == httpx.codes.FORBIDDEN:
            return []
        if response.status_code != httpx.codes.OK:
            raise StepFailed(f"{client} searching {kind}: HTTP {response.status_code} {reasons(response)}")
        return [entry["resource"] for entry in response.json().get("entry", ()) if entry["search"]["mode"] == "match"]

    async def get(self, client: str, reference: str) -> Doc:
        """Return a resource that the client must be able to read."""
        response = await self.request(client, "GET", reference)
        if response.status_code != httpx.codes.OK:
            raise StepFailed(f"{client} reading {reference.split('/')[0]}: HTTP {response.status_code}")
        doc: Doc = response.json()
        return doc

    async def put_task(self, client: str, task: Doc, status: str) -> httpx.Response:
        """Ask for ``status`` of the Task in the version that was read."""
        body = {**task, "status": status}
        headers = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
        return await self.request(client, "PUT", f"Task/{task['id']}", json=body, headers=headers)

    async def request(self, client: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer to one request, whatever it is."""
        headers = {"Authorization": f"Bearer {await self._token(client)}", **options.pop("headers", {})}
        if "json" in options:
            headers["Content-Type"] = "application/fhir+json"
        return await self._http.request(method, f"{self.where.base}/{path}", headers=headers, **options)

    async def _pause(self, deadline: float, why: str) -> None:
        if time.monotonic() > deadline:
            raise StepFailed(f"waited in vain: {why}")
        await asyncio.sleep(PACE_S)


def by_card(elder: Elder) -> dict[str, str]:
    """Return the search parameter that finds what belongs to ``elder``."""
    return {"patient.identifier": f"{CARD}|{elder.card}"}


def reasons(response: httpx.Response) -> str:
    """Return the texts of an OperationOutcome."""
    try:
        issues = response.json().get("issue", ())
    except ValueError:
        return ""
    return "; ".join(str(issue.get("details", {}).get("text", "")) for issue in issues)
