"""The feeds that are open, each with its map; reloaded as a whole, swapped at once.

In: the folder `mappings/`. Out: the feed of a name (`POST /intake/json-discharge`: the folder's name).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.fhir.problem import Problem
from gateway.mapping import Feed, load_feed


class Feeds:
    """Feeds by name. A name is unique over all tiers."""

    def __init__(self, feeds: Mapping[str, Feed]) -> None:
        """Hold ``feeds`` by folder name."""
        self._feeds = dict(feeds)

    @classmethod
    def load(cls, root: Path) -> Feeds:
        """Compile every map under ``root``/<tier>/<feed>. Raises Problems of the first map that does not compile,
        ValueError when two tiers have a feed of one name.
        """
        feeds: dict[str, Feed] = {}
        for path in sorted(root.glob("*/*/map.yaml")):
            name = path.parent.name
            if name in feeds:
                raise ValueError(f"two feeds are named {name}")
            feeds[name] = load_feed(path.parent)
        return cls(feeds)

    def get(self, name: str) -> Feed:
        """Return the feed ``name``. Raises Problem IN-005 when there is none."""
        feed = self._feeds.get(name)
        if feed is None:
            raise Problem("IN-005", feed=name if name.isascii() and len(name) <= 40 else "?")
        return feed

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names in alphabetical order."""
        return tuple(sorted(self._feeds))
