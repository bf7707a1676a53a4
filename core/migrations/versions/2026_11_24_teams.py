"""Up to three winners of one challenge: teams, and the bids that were named.

Safe while the version before is still running: it writes team 1 alone, and finds no more than it did.
"""

import sqlalchemy as sa
from alembic import op

revision = "teams"
down_revision = "whole_bids"
branch_labels = None
depends_on = None

STATES = "'proposed', 'submitted', 'returned', 'approved', 'rejected', 'superseded', 'withdrawn', 'dropped'"

GUARDS = """
CREATE OR REPLACE FUNCTION guard_consortium() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    violation text;
    part text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state IN ('approved', 'rejected', 'superseded', 'withdrawn', 'dropped') THEN
            RAISE EXCEPTION 'a decided consortium cannot be deleted' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state IN ('approved', 'rejected', 'superseded', 'withdrawn', 'dropped') THEN
        IF (NEW.challenge_id, NEW.team, NEW.lead_id, NEW.rule_id, NEW.objective, NEW.computation, NEW.approved_facts)
           IS DISTINCT FROM
           (OLD.challenge_id, OLD.team, OLD.lead_id, OLD.rule_id, OLD.objective, OLD.computation, OLD.approved_facts)
           OR NEW.state <> OLD.state AND NOT (OLD.state = 'approved' AND NEW.state = 'superseded') THEN
            RAISE EXCEPTION 'a decided consortium cannot be changed' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state = 'superseded' THEN
        RAISE EXCEPTION 'only an approved consortium is superseded' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'approved' THEN
        violation := consortium_structural_violation(NEW);
        IF violation IS NULL THEN
            FOREACH part IN ARRAY consortium_broken_parts(NEW) LOOP
                IF TG_OP = 'INSERT' OR NOT part = ANY (waived_parts(NEW, OLD.revision)) THEN
                    violation := part;
                    EXIT;
                END IF;
            END LOOP;
        END IF;
        IF violation IS NOT NULL THEN
            RAISE EXCEPTION 'consortium breaks the quota rule: %', violation
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_consortium_keeps_quota_rule';
        END IF;
        -- From here on every change of these is looked at again.
        NEW.approved_facts := consortium_facts(NEW.id);
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION guard_consortium_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Locked, so that an approval under way ends before this change is judged, and the other way round.
    PERFORM 1 FROM consortium c
        WHERE c.id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.consortium_id END,
                       CASE WHEN TG_OP <> 'DELETE' THEN NEW.consortium_id END)
        FOR SHARE;
    IF EXISTS (SELECT 1 FROM consortium c WHERE c.state IN ('approved', 'rejected', 'superseded', 'withdrawn', 'dropped')
               AND c.id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.consortium_id END,
                            CASE WHEN TG_OP <> 'DELETE' THEN NEW.consortium_id END)) THEN
        RAISE EXCEPTION 'members of a decided consortium cannot be changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""


def upgrade() -> None:
    op.drop_constraint(op.f("consortiumstate"), "consortium", type_="check")
    op.create_check_constraint(op.f("consortiumstate"), "consortium", f"state IN ({STATES})")
    op.drop_constraint(op.f("ck_consortium_submitted_has_a_lead"), "consortium", type_="check")
    op.create_check_constraint(
        op.f("ck_consortium_submitted_has_a_lead"),
        "consortium",
        "state IN ('proposed', 'returned', 'withdrawn', 'dropped') OR lead_id IS NOT NULL",
    )
    op.add_column("consortium", sa.Column("team", sa.SmallInteger(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_consortium_team_plausible"), "consortium", "team BETWEEN 1 AND 3")
    op.drop_index("uq_consortium_open", table_name="consortium")
    op.create_index(
        "uq_consortium_team",
        "consortium",
        ["challenge_id", "team"],
        unique=True,
        postgresql_where=sa.text("state IN ('proposed', 'submitted', 'returned', 'approved')"),
    )
    op.create_table(
        "bid_choice",
        sa.Column("consortium_id", sa.Uuid(), nullable=False),
        sa.Column("bid_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("departs", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("chosen_by_id", sa.Uuid(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "NOT departs OR reason <> ''", name=op.f("ck_bid_choice_departures_have_a_reason")
        ),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_bid_choice_rank_from_1")),
        sa.ForeignKeyConstraint(
            ["consortium_id"],
            ["consortium.id"],
            name=op.f("fk_bid_choice_consortium_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["bid_id"], ["bid.id"], name=op.f("fk_bid_choice_bid_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["chosen_by_id"], ["person.id"], name=op.f("fk_bid_choice_chosen_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("consortium_id", name=op.f("pk_bid_choice")),
    )
    for column in ("consortium_id", "bid_id", "chosen_by_id"):
        op.create_index(op.f(f"ix_bid_choice_{column}"), "bid_choice", [column])
    op.execute(GUARDS)


def downgrade() -> None:
    raise NotImplementedError("a challenge may have several teams")
