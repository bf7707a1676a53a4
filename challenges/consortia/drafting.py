"""Members, holders and lead while they are changed by hand: pure, written down by the use case."""

import uuid
from collections.abc import Mapping
from typing import Any

from challenges.consortia.composition import Prospects
from challenges.consortia.models import Consortium
from core.errors import ConflictError, NotFoundError
from core.i18n import lazy_gettext as _


class Draft:
    """Members, holders and lead while they are changed by hand. `members` keeps the order of joining."""

    def __init__(self, consortium: Consortium, prospects: Prospects) -> None:
        self.prospects = prospects
        self.computation: Mapping[str, Any] = consortium.computation
        self.members = [member.organization_id for member in consortium.members]
        self.holders = {
            name: member.organization_id for member in consortium.members for name in member.requirement_ids
        }
        self.lead_id = consortium.lead_id

    def assign(self, holders: Mapping[str, uuid.UUID], lead_id: uuid.UUID | None) -> None:
        for key in [*holders.values(), *([lead_id] if lead_id else [])]:
            self._member(key)
        self.holders, self.lead_id = dict(holders), lead_id

    def add(self, key: uuid.UUID) -> None:
        self._prospect(key)
        if key in self.members:
            raise ConflictError(_("This organization is a member already."))
        self.members.append(key)
        if self.lead_id is None:
            self.lead_id = key

    def remove(self, key: uuid.UUID) -> None:
        self._member(key)
        self.members.remove(key)
        self.holders = {name: holder for name, holder in self.holders.items() if holder != key}
        if self.lead_id == key:
            self.lead_id = None

    def exchange(self, leaves: uuid.UUID, joins: uuid.UUID) -> None:
        self._member(leaves)
        self._prospect(joins)
        if joins in self.members:
            raise ConflictError(_("This organization is a member already."))
        self.members[self.members.index(leaves)] = joins
        self.holders = {name: joins if key == leaves else key for name, key in self.holders.items()}
        if self.lead_id == leaves:
            self.lead_id = joins

    def adopt(self, holders: Mapping[str, uuid.UUID], lead_id: uuid.UUID) -> None:
        """Another consortium in the place of this one: whoever holds a requirement is a member."""
        self.members = list(dict.fromkeys(holders.values()))
        for key in self.members:
            self._prospect(key)
        self.assign(holders, lead_id)

    def take(self, number: int) -> None:
        answer = self.computation.get("answer") or {}
        choices = [answer, *answer.get("alternatives", [])] if answer.get("members") else []
        if not 0 <= number < len(choices):
            raise NotFoundError(_("There is no such alternative."))
        chosen = choices[number]
        holders = {
            name: uuid.UUID(member["id"]) for member in chosen["members"] for name in member["requirements"]
        }
        self.adopt(holders, uuid.UUID(chosen["lead"]))

    def _member(self, key: uuid.UUID) -> None:
        if key not in self.members:
            raise NotFoundError(_("That organization is not a member."))

    def _prospect(self, key: uuid.UUID) -> None:
        if key not in self.prospects:
            raise NotFoundError(_("That organization is not in the ranking."))
