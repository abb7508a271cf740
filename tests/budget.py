"""How much the property tests try: the same few examples in every CI run, ten times as many new ones on demand."""

from __future__ import annotations

from typing import Final

from hypothesis import settings

CI: Final = "ci"
ALL: Final = "all"
TIMES_MORE: Final = 10
"""How many times more `./run test --all` tries."""


def examples(count: int) -> int:
    """Return how many examples to try where CI tries ``count``; to be asked when a test module is imported."""
    return count * TIMES_MORE if settings.get_current_profile_name() == ALL else count
