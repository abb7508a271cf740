"""Senders as hospitals run them: each message until it is answered, again under the same id when there was no answer.

In: a load and the doors. Out: a ledger of every answer, kept outside the process under test. Own framing, own HTTP:
nothing of the gateway is used but the client's side of the token request.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from security.oauth.client import token_request
from tests.chaos.house import House
from tests.chaos.load import CARD, DOCTOR, Load, Message

LANES = 8
"""Elders whose messages are on their way at once."""
ANSWER_S = 15.0
"""A sender takes silence of this length for no answer."""
GIVE_UP_S = 300.0
"""Longer than any fault here lasts: then the gateway has not come back."""
PAUSE_S = 0.15
_TRANSIENT = re.compile(r"STO-503|SEC-503|SEC-119|SEC-95\d|IN-009")
_TOKEN_S = 200.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sender was told: AA, AE or AR, and the problem codes named."""

    success: str
    codes: tuple[str, ...] = ()


@dataclass
class Ledger:
    """Every answer of a run, in the order in which they came."""

    answers: list[tuple[Message, Answer]] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)

    def accepted(self) -> list[Message]:
        """Return the messages that got AA, each once, in order."""
        seen: dict[tuple[str, str], Message] = {}
        for message, answer in self.answers:
            if answer.success == "AA" and message.what != "accept":
                seen.setdefault((message.sender, message.id), message)
        return list(seen.values())

    def wrongly_answered(self) -> list[str]:
        """Return what got another answer than it had to, and what was answered in two ways."""
        return [
            f"{message.what} {message.id}: {answer.success} {answer.codes} for {message.expect}"
            for message, answer in self.answers
            if answer.success != message.expect
        ]


class Gate:
    """Lets so many new messages through; opened further by whoever watches the faults."""

    def __init__(self) -> None:
        """Let nothing through yet."""
        self.passed = 0
        self._limit = 0
        self._moved = asyncio.Condition()

    async def enter(self) -> None:
        """Wait for a place."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.passed < self._limit)
            self.passed += 1

    async def open_to(self, limit: int) -> None:
        """Let ``limit`` messages through in all."""
        async with self._moved:
            self._limit = max(self._limit, limit)
            self._moved.notify_all()


class Senders:
    """All systems of the chain."""

    def __init__(self, house: House) -> None:
        """Send to the doors of ``house``."""
        self.house = house
        self.ledger = Ledger()
        self.gate = Gate()
        self.http = httpx.AsyncClient(
            base_url=house.settings.url, timeout=ANSWER_S, trust_env=False,
            limits=httpx.Limits(max_connections=LANES * 2),
        )  # fmt: skip
        self._tokens: dict[str, tuple[float, str]] = {}

    async def close(self) -> None:
        """Close the lines."""
        await self.http.aclose()

    async def send_all(self, load: Load) -> None:
        """Send every life, LANES at a time, each in its order."""
        waiting = list(reversed(load.lives))

        async def lane() -> None:
            line = Line(self.house.settings.mllp_port)
            try:
                while waiting:
                    for message in waiting.pop():
                        await self.gate.enter()
                        await self.deliver(message, line)
            finally:
                await line.close()

        async with asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(lane())

    async def deliver(self, message: Message, line: Line) -> Answer:
        """Send ``message`` until it gets an answer that is one; write it down and return it."""
        kind = "updates" if message.what == "accept" else "sent"
        answer = await self._until_answered(lambda: self._attempt(message, line), kind)
        self.ledger.answers.append((message, answer))
        return answer

    async def _attempt(self, message: Message, line: Line) -> Answer | None:
        if message.by_line:
            return await line.ask(message.body)
        return await (self.accept(message) if message.what == "accept" else self.post(message))

    async def _until_answered(self, attempt: Callable[[], Awaitable[Answer | None]], kind: str) -> Answer:
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            self.ledger.tries[kind] += 1
            answer = await attempt()
            if answer is not None and not (answer.success == "AR" and _transient(answer)):
                return answer
            self.ledger.tries[f"{kind}: {'unanswered' if answer is None else 'refused for now'}"] += 1
            assert time.monotonic() < deadline, f"no answer within {GIVE_UP_S} s: {await self.house.where()}"
            await asyncio.sleep(PAUSE_S)

    async def post(self, message: Message) -> Answer | None:
        """Post one message; None when there was no answer."""
        try:
            headers = {"Authorization": f"Bearer {await self.token(message.sender)}"}
            answer = await self.http.post(f"/intake/{message.feed}", content=message.body, headers=headers)
        except (httpx.TransportError, _NoTokenError):
            return None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.pop(message.sender, None)
            return None
        return _envelope(answer)

    async def accept(self, message: Message) -> Answer | None:
        """Accept the elder's referrals as the centre's doctor; None while there is none, or no answer."""
        try:
            headers = {"Authorization": f"Bearer {await self.token(DOCTOR)}"}
            query = {"patient.identifier": f"{CARD}|{message.card}", "code": "referral"}
            found = await self.http.post("/fhir/Task/_search", data=query, headers=headers)
            if found.status_code != httpx.codes.OK:
                self._tokens.pop(DOCTOR, None)
                return None
            tasks = [row["resource"] for row in found.json().get("entry", ()) if row["search"]["mode"] == "match"]
            for task in tasks:
                if task["status"] in ("requested", "received"):
                    match = {"If-Match": f'W/"{task["meta"]["versionId"]}"', "Content-Type": "application/fhir+json"}
                    body = json.dumps({**task, "status": "accepted"}, ensure_ascii=False).encode()
                    put = await self.http.put(f"/fhir/Task/{task['id']}", content=body, headers=headers | match)
                    if put.status_code != httpx.codes.OK:
                        return None
        except (httpx.TransportError, _NoTokenError):
            return None
        return Answer("AA") if any(task["status"] == "accepted" for task in tasks) else None

    def forget(self) -> None:
        """Ask for new tokens from now on."""
        self._tokens.clear()

    async def token(self, client: str) -> str:
        """Return an access token by a signed assertion."""
        known = self._tokens.get(client)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        form = token_request(
            self.house.clients[client], client, token_endpoint=f"{self.house.settings.url}/oauth/token",
            scopes=("system/*.cruds", "intake/*.c"), now=self.house.now(),
        )  # fmt: skip
        answer = await self.http.post("/oauth/token", data=dict(form))
        if answer.status_code != httpx.codes.OK:
            raise _NoTokenError
        token = str(answer.json()["access_token"])
        self._tokens[client] = (time.monotonic() + _TOKEN_S, token)
        return token


class _NoTokenError(Exception):
    """The token endpoint refused for now."""


def _envelope(answer: httpx.Response) -> Answer | None:
    """Return what an HTTP answer says; None for one that comes from no gateway."""
    try:
        body = answer.json()
    except ValueError:
        return None
    if "success" not in body:
        return Answer("AR", ("STO-503",)) if answer.status_code >= 500 else Answer("AR", (str(answer.status_code),))
    return Answer(body["success"], tuple(row["code"] for row in body["data"]["issues"]))


def _transient(answer: Answer) -> bool:
    return any(_TRANSIENT.fullmatch(code) for code in answer.codes)


class Line:
    """One MLLP line, opened when needed, thrown away after a failure."""

    def __init__(self, port: int) -> None:
        """Connect to ``port`` of this machine at first use."""
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, message: bytes) -> Answer | None:
        """Send one frame and return its answer; None when there was none."""
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await self._open()
                writer.write(b"\x0b" + message + b"\x1c\r")
                await writer.drain()
                frame = await reader.readuntil(b"\x1c\r")
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            await self.close()
            return None
        return _acknowledgement(frame)

    async def close(self) -> None:
        """Close the line."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams


def _acknowledgement(frame: bytes) -> Answer | None:
    text = frame.decode("utf-8", "replace")
    found = re.search(r"\rMSA\|([AC][AER])", text)
    if found is None:
        return None
    return Answer("A" + found[1][1], tuple(dict.fromkeys(re.findall(r"\b(?:STO|SEC|IN|FMT|MAP|ID|FHIR)-\d+", text))))
