"""What happens next: hand-over, release, follow-up, as tables and effects over the change feed. See README.md."""

from gateway.workflow.effects import Effects
from gateway.workflow.engine import Engine
from gateway.workflow.transition import advance, machine_of

__all__ = ["Effects", "Engine", "advance", "machine_of"]
