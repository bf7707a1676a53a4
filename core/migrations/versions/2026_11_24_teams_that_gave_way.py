"""Which teams gave way to an upheld objection."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "teams_that_gave_way"
down_revision = "reviews"
branch_labels = None
depends_on = None

# Before, an objection did not say it: those are meant that were on its notice and hold the award no longer.
FILL = """
UPDATE objection o SET gave_way = coalesce(
    (SELECT jsonb_agg(s.id::text ORDER BY s.team) FROM consortium s JOIN notice n ON n.id = o.notice_id
     WHERE s.challenge_id = o.challenge_id AND s.state = 'superseded'
       AND n.content->'teams' @> jsonb_build_array(jsonb_build_object('consortium', s.id::text))), '[]'::jsonb)
WHERE o.state = 'upheld';
"""
GUARD = """
CREATE TRIGGER objection_gave_way BEFORE UPDATE OF gave_way ON objection FOR EACH ROW
    WHEN (OLD.answered_at IS NOT NULL AND NEW.gave_way IS DISTINCT FROM OLD.gave_way)
    EXECUTE FUNCTION refuse_change();
ALTER TABLE objection ENABLE ALWAYS TRIGGER objection_gave_way;
"""


def upgrade() -> None:
    op.add_column(
        "objection",
        sa.Column(
            "gave_way",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
    )
    op.execute(FILL)
    op.execute(GUARD)


def downgrade() -> None:
    op.execute("DROP TRIGGER objection_gave_way ON objection")
    op.drop_column("objection", "gave_way")
