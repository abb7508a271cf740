"""Every line of enforcement, taken out by hand: what it is, how it is removed, which attacks then get through.

Each is applied before a gateway opens and undone afterwards. A line that is guarded by a second one is removed together
with it, and says so. The table in README.md is made from this list.
"""

from __future__ import annotations

from typing import Final

from tests.attacks.removal import Removal as Removal
from tests.attacks.removals_of_doors import door, intake
from tests.attacks.removals_of_oauth import tokens
from tests.attacks.removals_of_policies import policies
from tests.attacks.removals_of_the_hub import hub

REMOVALS: Final = (*tokens(), *door(), *hub(), *policies(), *intake())
