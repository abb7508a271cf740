"""Assembly of a running gateway. See README.md.

A word of the command line that opens the rooms alone does not pay for the doors: each name is loaded on use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.app.app import App, open_app
    from gateway.app.rooms import Rooms, install, open_rooms, utc_now

__all__ = ["App", "Rooms", "install", "open_app", "open_rooms", "utc_now"]
_OF_APP = frozenset({"App", "open_app"})


def __getattr__(name: str) -> Any:
    """Load ``name`` from the module that holds it."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"gateway.app.{'app' if name in _OF_APP else 'rooms'}"), name)
