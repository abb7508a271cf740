"""Replay the main job against a running demo, from outside: HTTP, MLLP and nothing of the package.

    ./run demo --json > ready.json &      # one line, when ready
    python3 examples/replay_story.py ready.json

Standard library only. Each step is asserted; the first that does not hold ends the script with exit code 1.
"""

from __future__ import annotations

import copy
import json
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

CARD = "urn:oid:2.16.156.10011.1.3"
RECORDS = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "records"
WITHIN_S = 10.0


class Failed(Exception):
    """A step that does not hold."""


class Client:
    """One of the demo's clients, with its access token."""

    def __init__(self, base: str, intake: str, token: str) -> None:
        self.base, self.intake, self.token = base, intake, token

    def call(self, method: str, url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict]:
        """Return status and parsed body of one request."""
        sent = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        request = urllib.request.Request(url, data=body, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def post(self, feed: str, record: dict) -> dict:
        """Send a record to a feed and return the envelope."""
        body = json.dumps(record, ensure_ascii=False).encode()
        return self.call("POST", f"{self.intake}/{feed}", body, Content_Type="application/json")[1]

    def state(self, feed: str, message_id: str) -> dict:
        """Return where a message stands."""
        return self.call("GET", f"{self.intake}/{feed}/{urllib.parse.quote(message_id)}")[1].get("data", {})

    def search(self, kind: str, **params: str) -> list[dict]:
        """Return the matches of a POST search."""
        body = urllib.parse.urlencode({name.replace("__", "."): value for name, value in params.items()}).encode()
        status, bundle = self.call(
            "POST", f"{self.base}/{kind}/_search", body, Content_Type="application/x-www-form-urlencoded"
        )
        if status == 403:
            return []
        demand(status == 200, f"searching {kind} was answered {status}")
        return [row["resource"] for row in bundle.get("entry", ()) if row["search"]["mode"] == "match"]

    def put(self, task: dict, status: str) -> int:
        """Ask for another status of a Task and return the HTTP status."""
        body = json.dumps({**copy.deepcopy(task), "status": status}).encode()
        etag = f'W/"{task["meta"]["versionId"]}"'
        url = f"{self.base}/Task/{task['id']}"
        return self.call("PUT", url, body, Content_Type="application/fhir+json", If_Match=etag)[0]


def demand(holds: bool, why: str) -> None:
    """End the script when ``holds`` is false."""
    if not holds:
        raise Failed(why)


def until(ask, why: str):
    """Return what ``ask`` gives as soon as it gives something."""
    deadline = time.monotonic() + WITHIN_S
    while not (found := ask()):
        demand(time.monotonic() < deadline, why)
        time.sleep(0.05)
    return found


def mllp(host: str, port: int, message: bytes) -> bytes:
    """Send one HL7 v2 message and return the answer."""
    with socket.create_connection((host, port), timeout=20) as line:
        line.sendall(b"\x0b" + message + b"\x1c\r")
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            part = line.recv(65536)
            demand(bool(part), "the MLLP line was closed without an answer")
            answer += part
    return answer


def record(name: str) -> dict:
    """Return a sample record."""
    return json.loads((RECORDS / name).read_bytes())


def replay(ready: dict) -> None:
    """Play the story with the sample records."""
    data = ready["data"]
    who = {name: Client(data["base"], data["intake"], one["accessToken"]) for name, one in data["clients"].items()}
    discharge = record("04_discharge.json")
    card = f"{CARD}|{discharge['data']['patient']['idCardNo']}"

    send(who["hospital-his"], discharge, data["mllp"])
    task = find(who["centre-doctor"], card, discharge["data"]["encounter"]["inpatNo"])
    accept(who["centre-doctor"], who["centre-nurse"], task)
    plan(who["centre-doctor"])
    pull(who["station-doctor"], who["station-carer"], who["other-station-carer"], card)

    step("every step stands in the journal")
    events = who["auditor"].search("AuditEvent", _count="100")
    demand(any(event["outcome"] == "8" for event in events), "no refusal stands in the journal")


def send(hospital: Client, discharge: dict, line: dict) -> None:
    """Register the consent and send the discharge in both shapes."""
    step("the hospital registers the consent")
    demand(hospital.post("sharing-consent", record("16_sharing_consent.json"))["success"] == "AA", "consent: no AA")

    step("the hospital sends the discharge in two shapes")
    demand(hospital.post("json-discharge", discharge)["success"] == "AA", "discharge: no AA")
    v2 = (RECORDS / "01_adt_a03.hl7").read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    demand(b"MSA|CA|" in mllp(line["host"], line["port"], v2), "ADT^A03: no CA")
    stored(hospital, "json-discharge", discharge["msgId"])


def stored(sender: Client, feed: str, message_id: str) -> None:
    """Wait until a message is stored."""
    until(lambda: sender.state(feed, message_id).get("state") == "stored", f"{feed} {message_id} is not stored")


def find(doctor: Client, card: str, stay: str) -> dict:
    """Return the referral Task of the stay, of which there is one."""
    step("the centre finds one stay and its referral")

    def stays() -> list[dict]:
        return [row for row in doctor.search("Encounter", patient__identifier=card) if stay in json.dumps(row)]

    found = until(stays, "the centre sees no stay")
    demand(len(found) == 1, f"{len(found)} stays instead of one")

    def referrals() -> list[dict]:
        tasks = doctor.search("Task", patient__identifier=card, code="referral", status="received")
        return [row for row in tasks if row["encounter"]["reference"] == f"Encounter/{found[0]['id']}"]

    return until(referrals, "the centre sees no referral")[0]


def accept(doctor: Client, nurse: Client, task: dict) -> None:
    """Accept the referral; a nurse and a stale version may not."""
    step("only the doctor accepts, only against the version that was read")
    demand(nurse.put(task, "accepted") == 403, "a nurse accepted")
    demand(doctor.put(task, "accepted") == 200, "the doctor could not accept")
    demand(doctor.put(task, "accepted") == 412, "a stale version was taken")


def plan(doctor: Client) -> None:
    """Post assessment and care plan."""
    step("the centre posts assessment and care plan")
    for feed, name in (("assessment", "07_ability_assessment.json"), ("care-plan", "08_care_plan.json")):
        sent = record(name)
        demand(doctor.post(feed, sent)["success"] == "AA", f"{feed}: no AA")
        stored(doctor, feed, sent["msgId"])


def pull(station: Client, carer: Client, stranger: Client, card: str) -> None:
    """Pull the station's slice, the carer's and nothing."""
    step("the station pulls its slice")
    name = record("08_care_plan.json")["data"]["planNo"]

    def plans() -> list[dict]:
        return [row for row in station.search("CarePlan", patient__identifier=card) if name in json.dumps(row)]

    found = until(plans, "the station finds no care plan")[0]
    elder = f"{station.base}/{found['subject']['reference']}"
    status, patient = station.call("GET", elder)
    demand(status == 200 and bool(patient.get("identifier")), "the station's doctor does not see the elder")
    owner = f"Organization/{record('08_care_plan.json')['data']['team'][0]['org']}"
    until(lambda: station.search("Task", owner=owner, status="requested", code="follow-up"), "no follow-up")

    step("the carer sees less, another chain nothing")
    status, masked = carer.call("GET", elder)
    demand(status == 200 and "identifier" not in masked and len(masked["birthDate"]) == 4, "the carer sees too much")
    demand(stranger.search("CarePlan", patient__identifier=card) == [], "another chain finds the plan")
    demand(stranger.call("GET", f"{stranger.base}/CarePlan/{found['id']}")[0] == 404, "another chain reads the plan")


def step(text: str) -> None:
    """Say what comes next."""
    print(f"- {text}", flush=True)


def main(words: list[str]) -> int:
    """Replay against the demo whose ready line stands in the file (or "-")."""
    text = sys.stdin.readline() if words[:1] in ([], ["-"]) else Path(words[0]).read_text(encoding="utf-8")
    try:
        replay(json.loads(text.splitlines()[0]))
    except Failed as failed:
        print(f"failed: {failed}", file=sys.stderr)
        return 1
    print("the story holds")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
