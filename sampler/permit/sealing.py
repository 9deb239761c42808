"""The one sealer of parcels, claimed when ``permit`` is imported; ``decide`` alone uses it."""

from __future__ import annotations

from typing import Final

from sampler.model.parcel import claim_sealer

seal: Final = claim_sealer()
