"""CPU of the security path of one read, in process: decide, mask, account. Prints a table, asserts nothing.

    python benchmarks/security_path.py [--rounds 2000]

No store, no HTTP: what the gate, the masks and the journal's record cost a read that is permitted by care relation and
consent. Figures shift with the machine's load: the column beside `json.loads` of the same bytes is what counts.
Budget: 60 microseconds the goal, 120 the floor (architecture §6).
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.fhir import codec  # noqa: E402 - after the path
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


def cpu_us(work: Callable[[], object], rounds: int) -> float:
    """Return the CPU of one call in microseconds: the best of five series, warm, without the garbage collector."""
    work()
    gc.disable()
    try:
        return min(_series(work, rounds) for _ in range(5))
    finally:
        gc.enable()


def _series(work: Callable[[], object], rounds: int) -> float:
    start = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - start) / rounds * 1e6


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


def measure(town: Town, kind: str, who: Caller, rounds: int) -> dict[str, float]:
    """Return microseconds by step for one read."""
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

    return {
        "bytes": len(body),
        "json.loads": cpu_us(lambda: json.loads(body), rounds),
        "decide": cpu_us(lambda: town.gate.decide(who, "read", facts), rounds),
        "mask": cpu_us(lambda: released(town, who, decision, body), rounds),
        "account": cpu_us(lambda: account(town, who, facts, decision), rounds),
        "whole": cpu_us(whole, rounds),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="CPU of the security path of one read.")
    parser.add_argument("--rounds", type=int, default=2000)
    rounds = parser.parse_args().rounds
    town = Town().in_care()
    rows = {f"{kind}, {who.role}": measure(town, kind, who, rounds) for kind, who in READS}
    names = list(next(iter(rows.values())))
    print(f"{'µs of CPU':28}" + "".join(f"{name:>12}" for name in names))
    for title, row in rows.items():
        print(f"{title:28}" + "".join(f"{row[name]:12.1f}" for name in names))
    narrow = cpu_us(lambda: town.gate.narrow(CARER, "search", "CarePlan"), rounds)
    print(f"restriction of a search: {narrow:.1f} µs known, {_fresh_narrow(town):.0f} µs after a change")
    print(f"the same question to Cedar itself: {_engine():.0f} µs")


def _fresh_narrow(town: Town) -> float:
    """Return the cost of a restriction that has to be made anew, as after a consent or plan changed."""
    row = town.rows["CarePlan", "plan"]

    def work() -> object:
        town.gate.learn([row])
        town.gate._changes[CARER.organisation] += 1
        return town.gate.narrow(CARER, "search", "CarePlan")

    town.gate._changes[CARER.organisation] = 0
    return cpu_us(work, 200)


def _engine() -> float:
    engine, asked = Engine(rules()[0]), list(questions(ENGINE_CASES, 1))
    return cpu_us(lambda: [engine.answer(each) for each in asked], 1) / ENGINE_CASES


if __name__ == "__main__":
    main()
