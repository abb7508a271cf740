"""The way in: doors, inbox, pipeline. See README.md."""

from gateway.intake.feeds import Feeds
from gateway.intake.fresh import Fresh
from gateway.intake.hl7_door import Hl7Door, KnownSender
from gateway.intake.http import routes
from gateway.intake.inbox import Arrival, Inbox, InboxRow, State
from gateway.intake.mllp import MllpServer
from gateway.intake.pipeline import Pipeline
from gateway.intake.reply import Reply
from gateway.intake.service import Intake, Understander
from gateway.intake.storing import Ingest, Message, Prior, Storing

__all__ = [
    "Arrival",
    "Feeds",
    "Fresh",
    "Hl7Door",
    "Inbox",
    "InboxRow",
    "Ingest",
    "Intake",
    "KnownSender",
    "Message",
    "MllpServer",
    "Pipeline",
    "Prior",
    "Reply",
    "State",
    "Storing",
    "Understander",
    "routes",
]
