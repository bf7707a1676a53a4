"""Sealed bids: keys, encrypted contents and files, receipts, and the opening by two officers.

Safe while the version before is still running: it writes bids in the clear, which remain readable and are sealed when
they are saved next. Challenges whose deadline has passed count as opened, as their bids have been readable since.
"""

import sqlalchemy as sa
from alembic import op

revision = "sealed_bids"
down_revision = "calendar_feed"
branch_labels = None
depends_on = None

GUARDS = """
CREATE TRIGGER bid_receipt_append_only BEFORE UPDATE OR DELETE ON bid_receipt
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bid_receipt_no_truncate BEFORE TRUNCATE ON bid_receipt
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_bid_opening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.opened_at IS NOT NULL THEN
        RAISE EXCEPTION 'an opening stays as it was' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.challenge_id, NEW.asked_by_id, NEW.asked_at)
            IS DISTINCT FROM (OLD.challenge_id, OLD.asked_by_id, OLD.asked_at) THEN
        RAISE EXCEPTION 'an opening stays as it was asked for' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM challenge c WHERE c.id = NEW.challenge_id
                   AND c.deadline_at <= clock_timestamp()) THEN
        RAISE EXCEPTION 'bids are opened after the deadline'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_bid_opening_after_deadline';
    END IF;
    IF EXISTS (SELECT 1 FROM unnest(ARRAY[NEW.asked_by_id, NEW.opened_by_id]) AS officer(id)
               WHERE officer.id IS NOT NULL AND NOT EXISTS (
                   SELECT 1 FROM challenge c JOIN program_officer o ON o.program_id = c.program_id
                   WHERE c.id = NEW.challenge_id AND o.person_id = officer.id)) THEN
        RAISE EXCEPTION 'only officers of the program open bids'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_bid_opening_by_officers';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bid_opening_guard BEFORE INSERT OR UPDATE OR DELETE ON bid_opening
    FOR EACH ROW EXECUTE FUNCTION guard_bid_opening();

CREATE FUNCTION guard_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.sealed_content IS NOT NULL AND NEW.sealed_content IS NULL AND NOT EXISTS (
            SELECT 1 FROM bid_opening o WHERE o.challenge_id = NEW.challenge_id AND o.opened_at IS NOT NULL) THEN
        RAISE EXCEPTION 'two officers have to open the bids first'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_bid_opened_by_two';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bid_seal_guard BEFORE UPDATE ON bid FOR EACH ROW EXECUTE FUNCTION guard_seal();

CREATE FUNCTION guard_sealed_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.role_text <> '' OR NEW.requirement_ids <> '[]'::jsonb OR NEW.budget_wan <> 0)
            AND EXISTS (SELECT 1 FROM bid b WHERE b.id = NEW.bid_id AND b.sealed_content IS NOT NULL) THEN
        RAISE EXCEPTION 'the part of a sealed bid tells nothing'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_bid_member_sealed_tells_nothing';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bid_member_seal_guard BEFORE INSERT OR UPDATE ON bid_member
    FOR EACH ROW EXECUTE FUNCTION guard_sealed_part();

CREATE FUNCTION guard_opened_challenge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.bids_opened_at IS DISTINCT FROM (CASE WHEN TG_OP = 'UPDATE' THEN OLD.bids_opened_at END)
            AND NOT EXISTS (SELECT 1 FROM bid_opening o WHERE o.challenge_id = NEW.id
                            AND o.opened_at = NEW.bids_opened_at) THEN
        RAISE EXCEPTION 'two officers have to open the bids first'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_challenge_opened_by_two';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER challenge_opened_guard BEFORE INSERT OR UPDATE OF bids_opened_at ON challenge
    FOR EACH ROW EXECUTE FUNCTION guard_opened_challenge();
"""


def upgrade() -> None:
    op.add_column("attachment", sa.Column("sealed_facts", sa.LargeBinary(), nullable=True))
    op.add_column("bid", sa.Column("sealed_content", sa.LargeBinary(), nullable=True))
    op.add_column("bid", sa.Column("nonce", sa.String(length=32), server_default="", nullable=False))
    op.create_check_constraint(
        op.f("ck_bid_sealed_tells_nothing"),
        "bid",
        "sealed_content IS NULL OR technical_plan || team || ability || timeline || contact_name || contact_phone"
        " || nonce = ''",
    )
    op.add_column("challenge", sa.Column("bids_opened_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE challenge SET bids_opened_at = deadline_at WHERE published_at IS NOT NULL AND deadline_at <= now()"
    )
    op.create_table(
        "program_key",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name=op.f("fk_program_key_program_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("program_id", name=op.f("pk_program_key")),
    )
    op.create_index(op.f("ix_program_key_program_id"), "program_key", ["program_id"])
    op.create_table(
        "challenge_key",
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenge.id"],
            name=op.f("fk_challenge_key_challenge_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["program_key.program_id"],
            name=op.f("fk_challenge_key_program_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_challenge_key")),
    )
    op.create_index(op.f("ix_challenge_key_challenge_id"), "challenge_key", ["challenge_id"])
    op.create_index(op.f("ix_challenge_key_program_id"), "challenge_key", ["program_id"])
    op.create_table(
        "bid_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bid_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
                "submitted",
                "replaced",
                "taken_back",
                "withdrawn",
                name="receiptact",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bid_id"], ["bid.id"], name=op.f("fk_bid_receipt_bid_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenge.id"], name=op.f("fk_bid_receipt_challenge_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_bid_receipt_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bid_receipt")),
    )
    for column in ("bid_id", "challenge_id", "person_id"):
        op.create_index(op.f(f"ix_bid_receipt_{column}"), "bid_receipt", [column])
    op.create_table(
        "bid_opening",
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("opened_by_id <> asked_by_id", name=op.f("ck_bid_opening_two_officers")),
        sa.CheckConstraint(
            "(opened_by_id IS NULL) = (opened_at IS NULL)", name=op.f("ck_bid_opening_opened_by_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenge.id"], name=op.f("fk_bid_opening_challenge_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["person.id"], name=op.f("fk_bid_opening_asked_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_id"], ["person.id"], name=op.f("fk_bid_opening_opened_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_bid_opening")),
    )
    for column in ("challenge_id", "asked_by_id", "opened_by_id"):
        op.create_index(op.f(f"ix_bid_opening_{column}"), "bid_opening", [column])
    op.execute(GUARDS)
