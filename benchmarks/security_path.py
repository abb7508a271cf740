"""CPU of the security path of one read, in process: decide, mask, account. Asserts nothing.

    python benchmarks/security_path.py [--seconds 0.5] [--json]

No store, no HTTP: what the gate, the masks and the journal's record cost a read that is permitted by care relation and
consent. A note tells the steps, beside `json.loads` of the same bytes: figures shift with the machine's load, their
ratios do not. Budget of the whole: 60 microseconds the goal, 120 the floor (architecture §6).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import measure  # noqa: E402 - after the path
from benchmarks.measure import MICROSECONDS, Budget, Row  # noqa: E402
from gateway.fhir import codec  # noqa: E402
from gateway.fhir.predicate import Facts  # noqa: E402
from security.access.engine import Engine  # noqa: E402
from security.audit import entry  # noqa: E402
from security.caller import Caller  # noqa: E402
from security.gate import Decision  # noqa: E402
from tests.gateway.fhir.samples import GOOD  # noqa: E402
from tests.security.access.cases import questions  # noqa: E402
from tests.security.town import CARER, CENTRE_DOCTOR, ELDER, STATION_DOCTOR, Town, rules  # noqa: E402

READS = (
    ("Patient", CENTRE_DOCTOR), ("Patient", STATION_DOCTOR), ("Patient", CARER),
    ("CarePlan", CENTRE_DOCTOR), ("CarePlan", CARER), ("Observation", CARER),
)  # fmt: skip
ENGINE_CASES = 200


def released(town: Town, who: Caller, decision: Decision, body: bytes) -> bytes:
    """Return the bytes that leave: as stored where nothing is masked, as `gateway.hub` does."""
    if not decision.masked:
        return body
    shown = town.gate.mask(who, decision, codec.parse_exact(body))
    assert shown is not None  # noqa: S101 - it was permitted
    return codec.dump_exact(shown)


def account(town: Town, who: Caller, facts: Facts, decision: Decision) -> bytes:
    """Return the journal's record of the read."""
    return entry(
        who, "read", at=town.clock(), interface="FHIR read", kind=facts.kind, id="x", version=1, elder=facts.elder,
        level=facts.level, rule=decision.rule, reasons=decision.reasons, consent=decision.consent,
        policy=decision.policy,
    )  # fmt: skip


def path(town: Town, kind: str, who: Caller, seconds: float) -> Row:
    """Return the row of one read; its note has the steps."""
    doc: dict[str, Any] = json.loads(json.dumps(GOOD[kind]))
    doc |= {"id": ELDER} if kind == "Patient" else {"id": "x", "subject": {"reference": f"Patient/{ELDER}"}}
    facts, body = town.put(doc), json.dumps(doc, ensure_ascii=False).encode()
    decision = town.ask(who, facts)
    if not decision.allow:
        raise SystemExit(f"{kind} for {who.role}: {decision.rule}")

    def whole() -> bytes:
        answer = town.gate.decide(who, "read", facts)
        released(town, who, answer, body)
        return account(town, who, facts, answer)

    steps = {
        "json.loads": lambda: json.loads(body),
        "decide": lambda: town.gate.decide(who, "read", facts),
        "mask": lambda: released(town, who, decision, body),
        "account": lambda: account(town, who, facts, decision),
    }
    told = [f"{name} {measure.cpu_per_op(step, seconds=seconds / 4).cpu_us:.1f}" for name, step in steps.items()]
    masked = "masked" if decision.masked else "as it is"
    return measure.cpu_per_op(
        whole,
        seconds=seconds,
        name=f"{kind} of {len(body)} bytes, {who.role}, {masked}",
        budget=Budget(MICROSECONDS, 120, 60),
        note=", ".join(told),
    )


def main() -> None:
    """Measure."""
    asked = measure.arguments("CPU of the security path of one read.").parse_args()
    town = Town().in_care()
    rows = [path(town, kind, who, asked.seconds) for kind, who in READS]
    narrow = town.gate.narrow
    rows.append(
        measure.cpu_per_op(
            lambda: narrow(CARER, "search", "CarePlan"), seconds=asked.seconds, name="restriction of a search, known"
        )
    )
    rows.append(_fresh_narrow(town, asked.seconds))
    rows.append(_engine(asked.seconds))
    measure.report(rows, as_json=asked.json)


def _fresh_narrow(town: Town, seconds: float) -> Row:
    """Return the cost of a restriction that has to be made anew, as after a consent or plan changed."""
    row = town.rows["CarePlan", "plan"]

    def work() -> object:
        town.gate.learn([row])
        town.gate._changes[CARER.organisation] += 1
        return town.gate.narrow(CARER, "search", "CarePlan")

    town.gate._changes[CARER.organisation] = 0
    return measure.cpu_per_op(work, seconds=seconds, name="restriction of a search, after a change")


def _engine(seconds: float) -> Row:
    engine, cases = Engine(rules()[0]), list(questions(ENGINE_CASES, 1))
    name = "the same question to Cedar itself"
    row = measure.cpu_per_op(lambda: [engine.answer(each) for each in cases], seconds=seconds, name=name)
    return measure.row_of(name, row.cpu_us / ENGINE_CASES / 1e6)


if __name__ == "__main__":
    main()
