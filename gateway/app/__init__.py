"""Assembly of a running gateway. See README.md."""

from gateway.app.app import App, open_app
from gateway.app.rooms import Rooms, install, open_rooms, utc_now

__all__ = ["App", "Rooms", "install", "open_app", "open_rooms", "utc_now"]
