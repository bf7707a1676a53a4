"""What a bid says, apart from the rows that hold it, and the one way in which it is written down to be hashed."""

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

TEXTS = ("technical_plan", "ability", "team", "timeline", "contact_name", "contact_phone")
# Written into every canonical content; another version is another way of writing it down.
CANONICAL_VERSION = 1


@dataclass(frozen=True)
class Part:
    """One member's part as typed."""

    organization_id: uuid.UUID
    role_text: str = ""
    requirement_ids: tuple[str, ...] = ()
    budget_wan: Decimal = Decimal(0)


@dataclass(frozen=True)
class BidContent:
    """The bid's texts as typed, and every member's part.

    `nonce` makes the hash of a bid tell nothing of a content that could be guessed.
    """

    technical_plan: str = ""
    ability: str = ""
    team: str = ""
    timeline: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    parts: tuple[Part, ...] = field(default_factory=tuple)
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def part(self, organization_id: uuid.UUID) -> Part:
        return next(
            (part for part in self.parts if part.organization_id == organization_id), Part(organization_id)
        )

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in TEXTS},
            "nonce": self.nonce,
            "parts": [
                {
                    "organization_id": str(part.organization_id),
                    "role_text": part.role_text,
                    "requirement_ids": sorted(part.requirement_ids),
                    "budget_wan": f"{part.budget_wan:.2f}",
                }
                for part in sorted(self.parts, key=lambda part: str(part.organization_id))
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "BidContent":
        return cls(
            **{name: data[name] for name in TEXTS},
            nonce=data["nonce"],
            parts=tuple(
                Part(
                    organization_id=uuid.UUID(part["organization_id"]),
                    role_text=part["role_text"],
                    requirement_ids=tuple(part["requirement_ids"]),
                    budget_wan=Decimal(part["budget_wan"]),
                )
                for part in data["parts"]
            ),
        )


@dataclass(frozen=True)
class FileFacts:
    name: str
    size_bytes: int
    sha256: str


def canonical(
    bid_id: uuid.UUID,
    challenge_id: uuid.UUID,
    lead_id: uuid.UUID,
    content: BidContent,
    files: Sequence[FileFacts],
) -> bytes:
    """A bid as bytes, always the same for the same bid: JSON with sorted keys, no spaces, in UTF-8.

    Its SHA-256 stands in every receipt.
    """
    data = {
        "version": CANONICAL_VERSION,
        "bid": str(bid_id),
        "challenge": str(challenge_id),
        "lead": str(lead_id),
        **content.as_json(),
        "files": [
            {"name": item.name, "size_bytes": item.size_bytes, "sha256": item.sha256}
            for item in sorted(files, key=lambda item: (item.sha256, item.name))
        ],
    }
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def content_hash(written: bytes) -> str:
    return hashlib.sha256(written).hexdigest()
