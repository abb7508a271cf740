"""Write a fictional county's year of messages into a folder, with the answer that each must get.

    python tools/make_county.py --elders 1000 --seed 7 --out FOLDER

`<feed>.messages` holds the bytes of a feed one after the other, `manifest.jsonl` a line a message in the order of
sending: feed, organisation, message, elder, answer (AA, AE, AR; over MLLP CA, CE, CR), state, oddity, file, offset,
size.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gateway.demo import data  # noqa: E402 - the checkout's own, wherever this is called from


def main(arguments: list[str] | None = None) -> int:
    """Write the county; say how much and how long."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--elders", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--today", type=date.fromisoformat, default=data.TODAY, help="the day after the last record")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    asked = parser.parse_args(arguments)
    began = time.perf_counter()
    try:
        counts = data.write(asked.out, asked.elders, asked.seed, today=asked.today)
    except FileExistsError as error:
        parser.error(str(error))
    told = ", ".join(f"{answer} {count}" for answer, count in sorted(counts.items()))
    print(f"{asked.elders} elders, seed {asked.seed}: {sum(counts.values())} messages ({told})")
    print(f"{time.perf_counter() - began:.1f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
