"""The states of an inbox row as numbers of revision 0001; `working` is a received row that somebody has claimed."""

from __future__ import annotations

from typing import Final

NUMBER_OF: Final = {"received": 0, "stored": 2, "parked": 3, "dead": 4}
WORKING: Final = 1
STORED: Final = 2
NAME_OF: Final = {number: name for name, number in NUMBER_OF.items()} | {WORKING: "received"}
