"""The way in: doors, inbox, pipeline. See README.md."""

from gateway.intake.feeds import Feeds
from gateway.intake.hl7_door import Hl7Door, KnownSender
from gateway.intake.http import routes
from gateway.intake.inbox import Arrival, Inbox, InboxRow, State
from gateway.intake.mllp import MllpServer
from gateway.intake.pipeline import Ingest, Pipeline, Prior
from gateway.intake.reply import Reply
from gateway.intake.service import Intake, Understander

__all__ = [
    "Arrival",
    "Feeds",
    "Hl7Door",
    "Inbox",
    "InboxRow",
    "Ingest",
    "Intake",
    "KnownSender",
    "MllpServer",
    "Pipeline",
    "Prior",
    "Reply",
    "State",
    "Understander",
    "routes",
]
