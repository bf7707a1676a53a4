"""A review may go on with fewer experts than its panel began with, down to what the program asks for at least.

New columns are empty where the version before writes: such reviews keep their whole panel.
"""

import sqlalchemy as sa
from alembic import op

revision = "fewer_experts"
down_revision = "panel_ties"
branch_labels = None
depends_on = None

GUARD = """
CREATE OR REPLACE FUNCTION guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    heads integer;
    enterprise integer;
    waiting integer;
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state IN ('finished', 'broken_off') THEN
        RAISE EXCEPTION 'a review stays as it ended' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.challenge_id, NEW.criteria, NEW.bid_ids, NEW.min_panel_size, NEW.min_enterprise_share, NEW.drops_extremes)
            IS DISTINCT FROM (OLD.challenge_id, OLD.criteria, OLD.bid_ids, OLD.min_panel_size,
                OLD.min_enterprise_share, OLD.drops_extremes) THEN
        RAISE EXCEPTION 'what a review goes by is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT count(*), count(*) FILTER (WHERE is_enterprise), count(*) FILTER (WHERE state <> 'handed_in')
        INTO heads, enterprise, waiting
        FROM panel_seat WHERE review_id = NEW.id AND state NOT IN ('excluded', 'excused');
    IF (NEW.panel_size, NEW.min_enterprise) IS DISTINCT FROM (OLD.panel_size, OLD.min_enterprise)
            AND NOT coalesce(
                OLD.state IN ('scoring', 'discussing') AND NEW.state = OLD.state AND NEW.fewer_note <> ''
                AND NEW.panel_size < OLD.panel_size AND NEW.panel_size >= OLD.min_panel_size
                AND NEW.panel_size = heads
                AND NEW.min_enterprise = ceil(OLD.min_enterprise_share * NEW.panel_size)
                AND NEW.min_enterprise <= enterprise, false) THEN
        RAISE EXCEPTION 'the size of a panel is frozen, but for those who have left it'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND NEW.state IN ('scoring', 'discussing', 'finished') THEN
        IF (OLD.state <> 'discussing' OR NEW.state <> 'scoring')
                AND (heads <> NEW.panel_size OR enterprise < NEW.min_enterprise) THEN
            RAISE EXCEPTION 'the panel is not complete'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_review_panel_complete';
        END IF;
        IF NEW.state <> 'scoring' AND waiting > 0 THEN
            RAISE EXCEPTION 'not all have scored'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_review_all_scored';
        END IF;
    END IF;
    RETURN NEW;
END $$;
"""

GUARD_BEFORE = """
CREATE OR REPLACE FUNCTION guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    heads integer;
    enterprise integer;
    waiting integer;
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state IN ('finished', 'broken_off') THEN
        RAISE EXCEPTION 'a review stays as it ended' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.challenge_id, NEW.criteria, NEW.bid_ids, NEW.panel_size, NEW.min_enterprise, NEW.drops_extremes)
            IS DISTINCT FROM
            (OLD.challenge_id, OLD.criteria, OLD.bid_ids, OLD.panel_size, OLD.min_enterprise, OLD.drops_extremes) THEN
        RAISE EXCEPTION 'what a review goes by is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND NEW.state IN ('scoring', 'discussing', 'finished') THEN
        SELECT count(*), count(*) FILTER (WHERE is_enterprise), count(*) FILTER (WHERE state <> 'handed_in')
            INTO heads, enterprise, waiting
            FROM panel_seat WHERE review_id = NEW.id AND state NOT IN ('excluded', 'excused');
        IF (OLD.state <> 'discussing' OR NEW.state <> 'scoring')
                AND (heads <> NEW.panel_size OR enterprise < NEW.min_enterprise) THEN
            RAISE EXCEPTION 'the panel is not complete'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_review_panel_complete';
        END IF;
        IF NEW.state <> 'scoring' AND waiting > 0 THEN
            RAISE EXCEPTION 'not all have scored'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_review_all_scored';
        END IF;
    END IF;
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    op.add_column("program", sa.Column("min_panel_size", sa.SmallInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_program_fewest_experts_plausible"), "program", "min_panel_size BETWEEN 1 AND panel_size"
    )
    op.add_column("review", sa.Column("min_panel_size", sa.SmallInteger(), nullable=True))
    op.add_column(
        "review",
        sa.Column(
            "min_enterprise_share", sa.Numeric(precision=5, scale=4), server_default="0", nullable=False
        ),
    )
    op.add_column("review", sa.Column("fewer_note", sa.Text(), server_default="", nullable=False))
    op.create_check_constraint(
        op.f("ck_review_fewest_experts_plausible"),
        "review",
        "min_panel_size BETWEEN 1 AND panel_size AND min_enterprise_share BETWEEN 0 AND 1",
    )
    op.execute(GUARD)


def downgrade() -> None:
    op.execute(GUARD_BEFORE)
    op.drop_constraint(op.f("ck_review_fewest_experts_plausible"), "review", type_="check")
    for column in ("fewer_note", "min_enterprise_share", "min_panel_size"):
        op.drop_column("review", column)
    op.drop_constraint(op.f("ck_program_fewest_experts_plausible"), "program", type_="check")
    op.drop_column("program", "min_panel_size")
