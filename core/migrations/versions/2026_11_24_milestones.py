"""Milestones, reports and eliminations; final acceptances, ratings, and what members let be shown.

Adds tables alone: the version before is not concerned.
"""

import sqlalchemy as sa
from alembic import op

revision = "milestones"
down_revision = "saved_searches"
branch_labels = None
depends_on = None

GUARDS = """
CREATE FUNCTION guard_rating() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.told_at IS NOT NULL
       OR (NEW.contract_id, NEW.side, NEW.rated_id, NEW.stars, NEW.comment, NEW.person_id, NEW.rated_at)
          IS DISTINCT FROM
          (OLD.contract_id, OLD.side, OLD.rated_id, OLD.stars, OLD.comment, OLD.person_id, OLD.rated_at) THEN
        RAISE EXCEPTION 'ratings stay as they are' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rating_guard BEFORE UPDATE OR DELETE ON rating FOR EACH ROW EXECUTE FUNCTION guard_rating();
CREATE FUNCTION guard_completion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'completed' AND (TG_OP = 'INSERT' OR OLD.state <> 'completed') AND EXISTS (
            SELECT 1 FROM milestone m WHERE m.contract_id = NEW.id AND m.state NOT IN ('accepted', 'cancelled')) THEN
        RAISE EXCEPTION 'a milestone is not accepted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_contract_milestones_accepted';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_completion_guard BEFORE INSERT OR UPDATE OF state ON contract
    FOR EACH ROW EXECUTE FUNCTION guard_completion();
ALTER TABLE rating ENABLE ALWAYS TRIGGER rating_guard;
ALTER TABLE contract ENABLE ALWAYS TRIGGER contract_completion_guard;
"""


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("is_shown", sa.Boolean(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_delivery_contract_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence_item.id"], name=op.f("fk_delivery_evidence_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_delivery_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_delivery_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("contract_id", "organization_id", name=op.f("pk_delivery")),
    )
    op.create_index(op.f("ix_delivery_contract_id"), "delivery", ["contract_id"], unique=False)
    op.create_index(op.f("ix_delivery_evidence_id"), "delivery", ["evidence_id"], unique=False)
    op.create_index(op.f("ix_delivery_organization_id"), "delivery", ["organization_id"], unique=False)
    op.create_index(op.f("ix_delivery_person_id"), "delivery", ["person_id"], unique=False)
    op.create_table(
        "final_acceptance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "accepted",
                "refused",
                "confirmed",
                name="acceptancestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("state_note", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["person.id"], name=op.f("fk_final_acceptance_asked_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contract.id"],
            name=op.f("fk_final_acceptance_contract_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_final_acceptance")),
    )
    op.create_index(
        op.f("ix_final_acceptance_asked_by_id"), "final_acceptance", ["asked_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_final_acceptance_contract_id"), "final_acceptance", ["contract_id"], unique=False
    )
    op.create_index(
        "uq_final_acceptance_open",
        "final_acceptance",
        ["contract_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('asked', 'accepted')"),
    )
    op.create_table(
        "milestone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("deliverables", sa.Text(), server_default="", nullable=False),
        sa.Column("payment_wan", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("is_stage", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "reported",
                "accepted",
                "rework",
                "cancelled",
                name="milestonestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("state_note", sa.Text(), server_default="", nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("soon_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("payment_wan >= 0", name=op.f("ck_milestone_payment_not_negative")),
        sa.CheckConstraint(
            "received_at IS NULL OR paid_at IS NOT NULL", name=op.f("ck_milestone_received_what_was_paid")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_milestone_contract_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
        sa.UniqueConstraint("contract_id", "key", name=op.f("uq_milestone_contract_id_key")),
    )
    op.create_index(op.f("ix_milestone_contract_id"), "milestone", ["contract_id"], unique=False)
    op.create_index("ix_milestone_state_due_at", "milestone", ["state", "due_at"], unique=False)
    op.create_table(
        "rating",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("poster", "team", name="side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("rated_id", sa.Uuid(), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_rating_stars_from_1_to_5")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_rating_contract_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_rating_person_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["rated_id"], ["organization.id"], name=op.f("fk_rating_rated_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating")),
        sa.UniqueConstraint("contract_id", "side", name=op.f("uq_rating_contract_id_side")),
    )
    op.create_index(op.f("ix_rating_contract_id"), "rating", ["contract_id"], unique=False)
    op.create_index(op.f("ix_rating_person_id"), "rating", ["person_id"], unique=False)
    op.create_index(op.f("ix_rating_rated_id"), "rating", ["rated_id"], unique=False)
    op.create_index(
        "ix_rating_untold", "rating", ["rated_at"], unique=False, postgresql_where=sa.text("told_at IS NULL")
    )
    op.create_table(
        "elimination",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("milestone_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), nullable=True),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "is_confirmed IS NULL OR is_confirmed OR answer <> ''",
            name=op.f("ck_elimination_refusal_has_a_reason"),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_elimination_has_a_reason")),
        sa.CheckConstraint(
            "(is_confirmed IS NULL) = (answered_at IS NULL)", name=op.f("ck_elimination_answered_somehow")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_elimination_contract_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["milestone_id"], ["milestone.id"], name=op.f("fk_elimination_milestone_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["person.id"], name=op.f("fk_elimination_officer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"], ["person.id"], name=op.f("fk_elimination_proposed_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_elimination")),
    )
    op.create_index(op.f("ix_elimination_contract_id"), "elimination", ["contract_id"], unique=False)
    op.create_index(op.f("ix_elimination_milestone_id"), "elimination", ["milestone_id"], unique=False)
    op.create_index(op.f("ix_elimination_officer_id"), "elimination", ["officer_id"], unique=False)
    op.create_index(op.f("ix_elimination_proposed_by_id"), "elimination", ["proposed_by_id"], unique=False)
    op.create_index(
        "uq_elimination_open",
        "elimination",
        ["contract_id"],
        unique=True,
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_table(
        "milestone_report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("milestone_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_accepted", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_by_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "is_accepted IS NULL OR is_accepted OR reason <> ''",
            name=op.f("ck_milestone_report_rework_has_a_reason"),
        ),
        sa.CheckConstraint(
            "(is_accepted IS NULL) = (answered_at IS NULL)", name=op.f("ck_milestone_report_answered_somehow")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"],
            ["person.id"],
            name=op.f("fk_milestone_report_answered_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["milestone_id"],
            ["milestone.id"],
            name=op.f("fk_milestone_report_milestone_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_milestone_report_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone_report")),
    )
    op.create_index(
        op.f("ix_milestone_report_answered_by_id"), "milestone_report", ["answered_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_milestone_report_milestone_id"), "milestone_report", ["milestone_id"], unique=False
    )
    op.create_index(op.f("ix_milestone_report_person_id"), "milestone_report", ["person_id"], unique=False)
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute("DROP TRIGGER contract_completion_guard ON contract")
    op.drop_table("milestone_report")
    op.drop_table("elimination")
    op.drop_table("rating")
    op.drop_table("milestone")
    op.drop_table("final_acceptance")
    op.drop_table("delivery")
    op.execute("DROP FUNCTION guard_rating, guard_completion")
