"""States for the whole way of a challenge: review, notice, contract, work, acceptance.

Only widens what is allowed, so the version before may still run.
"""

from alembic import op

revision = "whole_way_of_a_challenge"
down_revision = "0001"
branch_labels = None
depends_on = None

STATES = (
    "draft",
    "submitted",
    "returned",
    "published",
    "closed",
    "in_review",
    "match_proposed",
    "awarded",
    "in_notice",
    "contracted",
    "in_progress",
    "accepted",
    "failed",
    "withdrawn",
    "no_award",
)


def upgrade() -> None:
    listed = ", ".join(f"'{state}'" for state in STATES)
    op.drop_constraint(op.f("challengestate"), "challenge", type_="check")
    op.create_check_constraint(op.f("challengestate"), "challenge", f"state IN ({listed})")
    op.drop_constraint(op.f("ck_challenge_published_complete"), "challenge", type_="check")
    op.create_check_constraint(
        op.f("ck_challenge_published_complete"),
        "challenge",
        "state IN ('draft', 'submitted', 'returned', 'withdrawn', 'no_award')"
        " OR (published_at IS NOT NULL AND deadline_at IS NOT NULL AND round_id IS NOT NULL)",
    )


def downgrade() -> None:
    raise NotImplementedError("challenges may stand in the new states")
