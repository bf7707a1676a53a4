"""Filters of a saved search as they are kept: what a challenge is about, not how far it has come."""

import uuid
from collections.abc import Mapping
from decimal import Decimal

from challenges.postings.list_queries import ChallengeFilters

NAMES = ("text", "field", "subfield", "program_id", "region", "min_wan", "max_wan")


def stored(filters: ChallengeFilters) -> dict[str, str]:
    """
    >>> stored(ChallengeFilters(text="叶片", min_wan=Decimal("100.50")))
    {'text': '叶片', 'min_wan': '100.50'}
    """
    values = {name: getattr(filters, name) for name in NAMES}
    return {name: str(value) for name, value in values.items() if value not in ("", None)}


def restored(kept: Mapping[str, str]) -> ChallengeFilters:
    """
    >>> restored({"text": "叶片", "min_wan": "100.50"}).min_wan
    Decimal('100.50')
    """
    return ChallengeFilters(
        text=kept.get("text", ""),
        field=kept.get("field", ""),
        subfield=kept.get("subfield", ""),
        program_id=uuid.UUID(kept["program_id"]) if "program_id" in kept else None,
        region=kept.get("region", ""),
        min_wan=Decimal(kept["min_wan"]) if "min_wan" in kept else None,
        max_wan=Decimal(kept["max_wan"]) if "max_wan" in kept else None,
    )
