"""The README's transcript, replayed line by line: it says what the gateway answers, or this fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.flows.town import CARD, ELDER_CARD, RECORDS, Town, a03

README = Path(__file__).resolve().parent.parent.parent / "README.md"


class Line(NamedTuple):
    """One line: who asks what with what, and the answer in short."""

    client: str
    method: str
    path: str
    sent: str
    answer: str


def transcript() -> Iterator[Line]:
    """Yield the lines of the README's transcript."""
    block = re.search(r"```transcript\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    for line in block[1].splitlines():
        asked, answer = line.split("->")
        client, request, *sent = re.split(r"\s{2,}", asked.strip())
        method, path = request.split(" ", 1)
        yield Line(client, method, path, sent[0] if sent else "", answer.strip())


async def test_the_transcript_holds_line_by_line(town: Town) -> None:
    lines = list(transcript())
    names = {"card": f"{CARD}|{ELDER_CARD}"}

    told = [await _ask(town, line, names) for line in lines]

    assert told == [line.answer for line in lines]
    assert len(lines) > 15


async def _ask(town: Town, line: Line, names: dict[str, str]) -> str:
    """Make one request and return its answer in the transcript's words; ``names`` learns what later lines need."""
    path, sent = (text.format_map(names) for text in (line.path, line.sent))
    if line.method == "MLLP":
        return (await town.mllp(a03())).split(b"MSA|")[1][:2].decode()
    if path.startswith("/intake/"):
        return await _intake(town, line.client, line.method, path, sent)
    if line.method == "PUT":
        task = await town.read(line.client, path.removeprefix("/fhir/"))
        response = await town.move(line.client, task, sent.removeprefix("status="))
    else:
        form = dict(pair.split("=", 1) for pair in sent.split("&")) if sent else None
        response = await town.fhir(line.client, line.method, path.removeprefix("/fhir/"), data=form)
    await town.quiet()
    return _said(response.status_code, response.json(), names)


async def _intake(town: Town, client: str, method: str, path: str, sent: str) -> str:
    if method == "GET":
        headers = {"Authorization": f"Bearer {await town.token(client)}"}
        response = await town.http.get(path, headers=headers)
        data = response.json()["data"]
        return f"{response.status_code} {data['handover'] or data['state']}"
    response = await town.post(client, path.removeprefix("/intake/"), (RECORDS / sent).read_bytes())
    await town.quiet()
    return f"{response.status_code} {response.json()['success']}"


def _said(status: int, answer: dict[str, object], names: dict[str, str]) -> str:
    match answer:
        case {"resourceType": "Bundle", "entry": [*entries]}:
            rows = [row["resource"] for row in entries if row["search"]["mode"] == "match"]
            for row in rows:
                names |= {"referral": row["id"]} if row["resourceType"] == "Task" else {}
                names |= {"elder": row["subject"]["reference"].split("/")[1]} if "subject" in row else {}
            return f"{status} {len(rows)} found"
        case {"resourceType": "Bundle"}:
            return f"{status} 0 found"
        case {"resourceType": "OperationOutcome", "issue": [{"details": {"coding": [{"code": code}]}}, *_]}:
            return f"{status} {code}"
        case _:
            return f"{status} {answer['resourceType']}"
