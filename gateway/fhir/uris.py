"""What lies above a URL: the paths that `:above` and `:below` compare, step by step (R4 search.html#uri)."""

from __future__ import annotations

from typing import Final

STEPS: Final = 16
"""Steps of a path below which a uri is found; a question names no more (design default)."""


def paths_of(uri: str) -> list[str]:
    """Return ``uri`` and what lies above it, shortest first, without a slash at the end; nothing for what is no URL."""
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return []
    steps = rest.rstrip("/").split("/")[:STEPS]
    return [f"{scheme}://{'/'.join(steps[: length + 1])}" for length in range(len(steps))]


def is_below(uri: str, other: str) -> bool:
    """Tell whether ``uri`` is ``other`` or lies below it."""
    return other.rstrip("/") in paths_of(uri)
