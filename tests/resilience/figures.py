"""What a run of kills has counted, and what it raises."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


class LostError(AssertionError):
    """Something that was acknowledged is not there, is there twice, or is half done."""


@dataclass
class Figures:
    """`undone`: attempts that left nothing behind. `done_unanswered`: acts that were in the database when the server died
    without an answer. Each act is sent once more when it is done; `refused_again` of them were told that it is, the
    others were answered as if they were the first."""

    rounds: int = 0
    acts: int = 0
    acknowledged: int = 0
    undone: int = 0
    done_unanswered: int = 0
    refused_again: int = 0
    mails: int = 0
    uncertain: int = 0
    files: int = 0
    seconds: float = 0
    kills: Counter[str] = field(default_factory=Counter)
    # How often a kill at each moment left an act done and unanswered.
    done_unanswered_at: Counter[str] = field(default_factory=Counter)

    @property
    def killed(self) -> int:
        return self.kills.total()

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "kills": dict(self.kills), "done_unanswered_at": dict(self.done_unanswered_at)}
