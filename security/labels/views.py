"""Which view a reader gets of one resource: as it is, the column of the role, or the basis of a joint controller.

Source: issue, "One Patient per elder" and "The carer's view"; security.md §4.
"""

from __future__ import annotations

from typing import Final

from security.labels.catalogue import Catalogue
from security.labels.view import View

CONSENTED: Final = frozenset({"DEMOGRAPHIC", "DISCHARGE_SUMMARY", "DIAGNOSIS", "MEDICATION", "NURSING", "CARE_PLAN"})
"""The data classes that an elder consents to one by one."""
WHOLE_AT_HOME: Final = frozenset({"centre-doctor", "centre-nurse", "station-doctor"})
"""Roles that see all of what their own organisation wrote; the carer's column holds there too."""


class Views:
    """Choose views; those of others' resources are built once a role, kind and set of consented classes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._kept: dict[tuple[str, str, frozenset[str] | None], View] = {}

    def covers(self, role: str, kind: str) -> bool:
        """Tell whether the catalogue says how ``role`` sees ``kind``; otherwise the policies alone speak."""
        return role in self._catalogue.roles and kind in self._catalogue.kinds

    def has_basis(self, kind: str) -> bool:
        """Tell whether several organisations may write one resource of ``kind`` together."""
        return bool(self._catalogue.kinds[kind].basis)

    def of_own(self, kind: str, role: str) -> View | None:
        """Return how ``role`` sees what its organisation alone wrote (None: as it is)."""
        if self._catalogue.kinds[kind].own_only or role in WHOLE_AT_HOME:
            return None
        return self.of_others(kind, role, None)

    def of_others(self, kind: str, role: str, classes: frozenset[str] | None) -> View | None:
        """Return how ``role`` sees ``kind`` where ``classes`` are consented to (None: all)."""
        if self._catalogue.kinds[kind].own_only:
            return None
        key = (kind, role, classes)
        view = self._kept.get(key)
        if view is None:
            view = View(self._catalogue, kind, role, withheld=self._withheld(kind, classes))
            self._kept[key] = view
        return view

    def of_basis(self, kind: str, role: str, sent: frozenset[str]) -> View:
        """Return what a joint controller without a basis sees; ``sent`` are the identifiers that it sent."""
        return View(self._catalogue, kind, role, only=self._catalogue.kinds[kind].basis, sent=sent)

    def _withheld(self, kind: str, classes: frozenset[str] | None) -> frozenset[str]:
        """Return the kinds that consent does not cover; nothing for the directory, which needs none."""
        if classes is None or self._catalogue.kinds[kind].klass == "DIRECTORY":
            return frozenset()
        needing = ((name, row) for name, row in self._catalogue.kinds.items() if row.klass in CONSENTED)
        return frozenset(name for name, row in needing if row.klass not in classes)
