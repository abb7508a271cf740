"""What a write demands of the version that it meets. Source: RFC 9110 §13; FHIR R4 http.html#concurrency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.fhir.problem import Problem
from gateway.store.protocol import ANY_VERSION, Stored


@dataclass(frozen=True, slots=True)
class Demand:
    """The conditions of one write.

    ``version`` the number (`If-Match`), ``since`` that it was not changed after this moment, to the second
    (`If-Unmodified-Since`, aware), ``absent`` that there is none (`If-None-Match: *`), ``there`` that there is one
    (`If-Match: *`).
    """

    version: int = ANY_VERSION
    since: datetime | None = None
    absent: bool = False
    there: bool = False

    @property
    def pinned(self) -> bool:
        """Tell whether only one version will do: a lost race is then told, not tried again."""
        return self.version != ANY_VERSION or self.since is not None

    @property
    def needs_one(self) -> bool:
        """Tell whether there must be a version already."""
        return self.pinned or self.there

    def check(self, stored: Stored) -> None:
        """Raise Problem STO-412 or HUB-043 unless ``stored``, which the caller may see, is as demanded."""
        if self.absent and not stored.deleted:
            raise Problem("HUB-043", where=stored.kind)
        late = self.since is not None and stored.updated.replace(microsecond=0) > self.since
        if self.version not in (ANY_VERSION, stored.version) or late:
            raise Problem("STO-412", kind=stored.kind, id=stored.id)


ANYTHING: Final = Demand()
NOTHING: Final = Demand(absent=True)
