"""Labels and masks: what a resource is (category, level, sensitivity) and what of it a role sees."""

from security.labels.catalogue import Catalogue
from security.labels.guard import Guard
from security.labels.labeler import Labeler
from security.labels.restore import restore
from security.labels.view import View
from security.labels.views import Views

__all__ = ["Catalogue", "Guard", "Labeler", "View", "Views", "restore"]
