"""The formal check of opened bids: one row per bid, with the program's list frozen when it was begun."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "formal_checks"
down_revision = "program_periods"
branch_labels = None
depends_on = None

GUARD = """
CREATE FUNCTION guard_formal_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a formal check stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' AND NOT EXISTS (
            SELECT 1 FROM bid b JOIN challenge c ON c.id = b.challenge_id
            WHERE b.id = NEW.bid_id AND c.id = NEW.challenge_id AND b.state = 'submitted'
              AND c.bids_opened_at IS NOT NULL) THEN
        RAISE EXCEPTION 'only opened bids are checked'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_formal_check_of_opened_bid';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.bid_id, NEW.challenge_id, NEW.begun_by_id)
                IS DISTINCT FROM (OLD.bid_id, OLD.challenge_id, OLD.begun_by_id)
                OR jsonb_path_query_array(NEW.points, '$[*].text')
                   IS DISTINCT FROM jsonb_path_query_array(OLD.points, '$[*].text') THEN
            RAISE EXCEPTION 'what a check is about is frozen' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state IS DISTINCT FROM OLD.state AND NEW.state IN ('passed', 'failed', 'reopened')
                AND NOT EXISTS (SELECT 1 FROM challenge c WHERE c.id = NEW.challenge_id AND c.state = 'closed') THEN
            RAISE EXCEPTION 'checks are settled before the review begins'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_formal_check_before_review';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER formal_check_guard BEFORE INSERT OR UPDATE OR DELETE ON formal_check
    FOR EACH ROW EXECUTE FUNCTION guard_formal_check();
"""


def upgrade() -> None:
    op.create_table(
        "formal_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bid_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "begun",
                "completion_requested",
                "completed",
                "lapsed",
                "passed",
                "failed",
                "reopened",
                name="checkstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "points",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("asked", sa.Text(), server_default="", nullable=False),
        sa.Column("begun_by_id", sa.Uuid(), nullable=False),
        sa.Column("completion_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completion_text", sa.Text(), server_default="", nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state <> 'completed' OR completed_at IS NOT NULL",
            name=op.f("ck_formal_check_completed_at_some_time"),
        ),
        sa.CheckConstraint(
            "state <> 'failed' OR note <> ''", name=op.f("ck_formal_check_failed_has_a_reason")
        ),
        sa.CheckConstraint(
            "state <> 'passed' OR NOT jsonb_path_exists(points, '$[*] ? (@.met != true)')",
            name=op.f("ck_formal_check_passed_meets_every_point"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('completion_requested', 'completed', 'lapsed') OR completion_due_at IS NOT NULL",
            name=op.f("ck_formal_check_completion_has_a_deadline"),
        ),
        sa.ForeignKeyConstraint(
            ["begun_by_id"], ["person.id"], name=op.f("fk_formal_check_begun_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["bid_id"], ["bid.id"], name=op.f("fk_formal_check_bid_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenge.id"], name=op.f("fk_formal_check_challenge_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_formal_check")),
    )
    op.create_index(op.f("ix_formal_check_begun_by_id"), "formal_check", ["begun_by_id"], unique=False)
    op.create_index(op.f("ix_formal_check_bid_id"), "formal_check", ["bid_id"], unique=True)
    op.create_index(op.f("ix_formal_check_challenge_id"), "formal_check", ["challenge_id"], unique=False)
    op.execute(GUARD)


def downgrade() -> None:
    op.drop_table("formal_check")
    op.execute("DROP FUNCTION guard_formal_check()")
