"""Questions and answers, amendments of published challenges, and bidders' confirmations.

Safe while the version before is still running: it neither reads nor writes what is new here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "questions_and_amendments"
down_revision = "contracts"
branch_labels = None
depends_on = None

ACTS = "'submitted', 'replaced', 'taken_back', 'withdrawn'"

GUARDS = """
CREATE FUNCTION guard_question() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'questions are kept' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.challenge_id, NEW.organization_id, NEW.text, NEW.asked_at)
            IS DISTINCT FROM (OLD.challenge_id, OLD.organization_id, OLD.text, OLD.asked_at) THEN
        RAISE EXCEPTION 'a question stays as it was asked' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER question_guard BEFORE UPDATE OR DELETE ON question
    FOR EACH ROW EXECUTE FUNCTION guard_question();
CREATE TRIGGER question_answer_append_only BEFORE UPDATE OR DELETE ON question_answer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER question_answer_no_truncate BEFORE TRUNCATE ON question_answer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_amendment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'proposed' THEN
        RAISE EXCEPTION 'an amendment stays as it was decided' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.challenge_id, NEW.explanation, NEW.before, NEW.after, NEW.deadline_before, NEW.deadline_after,
            NEW.is_substantial, NEW.base_revision, NEW.proposed_by_id, NEW.proposed_at)
        IS DISTINCT FROM (OLD.challenge_id, OLD.explanation, OLD.before, OLD.after, OLD.deadline_before,
            OLD.deadline_after, OLD.is_substantial, OLD.base_revision, OLD.proposed_by_id, OLD.proposed_at) THEN
        RAISE EXCEPTION 'an amendment stays as it was proposed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER amendment_guard BEFORE UPDATE OR DELETE ON amendment
    FOR EACH ROW EXECUTE FUNCTION guard_amendment();
CREATE TRIGGER amendment_no_truncate BEFORE TRUNCATE ON amendment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_bid_confirmation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM amendment a JOIN bid b ON b.challenge_id = a.challenge_id
                   WHERE a.id = NEW.amendment_id AND b.id = NEW.bid_id AND a.state = 'confirmed') THEN
        RAISE EXCEPTION 'bids are confirmed after changes of their own challenge'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_bid_confirmation_same_challenge';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bid_confirmation_guard BEFORE INSERT ON bid_confirmation
    FOR EACH ROW EXECUTE FUNCTION guard_bid_confirmation();
CREATE TRIGGER bid_confirmation_append_only BEFORE UPDATE OR DELETE ON bid_confirmation
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bid_confirmation_no_truncate BEFORE TRUNCATE ON bid_confirmation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE question ENABLE ALWAYS TRIGGER question_guard;
ALTER TABLE question_answer ENABLE ALWAYS TRIGGER question_answer_append_only;
ALTER TABLE question_answer ENABLE ALWAYS TRIGGER question_answer_no_truncate;
ALTER TABLE amendment ENABLE ALWAYS TRIGGER amendment_guard;
ALTER TABLE amendment ENABLE ALWAYS TRIGGER amendment_no_truncate;
ALTER TABLE bid_confirmation ENABLE ALWAYS TRIGGER bid_confirmation_append_only;
ALTER TABLE bid_confirmation ENABLE ALWAYS TRIGGER bid_confirmation_no_truncate;
"""


def _state(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(
        name, postgresql.JSONB(astext_type=Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
    )


def _reference(table: str, column: str, target: str, ondelete: str = "RESTRICT") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def upgrade() -> None:
    op.drop_constraint(op.f("receiptact"), "bid_receipt", type_="check")
    op.create_check_constraint(op.f("receiptact"), "bid_receipt", f"act IN ({ACTS}, 'confirmed')")
    op.create_table(
        "question",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("state", _state("questionstate", "asked", "answered", "hidden"), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("text <> ''", name=op.f("ck_question_asks_something")),
        sa.CheckConstraint(
            "state <> 'answered' OR answered_at IS NOT NULL", name=op.f("ck_question_answered_has_a_time")
        ),
        sa.CheckConstraint("state <> 'hidden' OR note <> ''", name=op.f("ck_question_hidden_with_a_reason")),
        _reference("question", "challenge_id", "challenge"),
        _reference("question", "organization_id", "organization"),
        _reference("question", "person_id", "person", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    op.create_index(op.f("ix_question_challenge_id"), "question", ["challenge_id"])
    op.create_index(op.f("ix_question_organization_id"), "question", ["organization_id"])
    op.create_index("ix_question_challenge_id_asked_at", "question", ["challenge_id", "asked_at"])
    op.create_table(
        "question_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("text <> '' AND version >= 1", name=op.f("ck_question_answer_says_something")),
        _reference("question_answer", "question_id", "question"),
        _reference("question_answer", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question_answer")),
        sa.UniqueConstraint("question_id", "version", name=op.f("uq_question_answer_question_id_version")),
    )
    op.create_index(op.f("ix_question_answer_question_id"), "question_answer", ["question_id"])
    op.create_table(
        "amendment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            _state("amendmentstate", "proposed", "confirmed", "refused", "taken_back", "lapsed"),
            nullable=False,
        ),
        sa.Column("version", sa.SmallInteger(), nullable=True),
        sa.Column("explanation", sa.Text(), server_default="", nullable=False),
        _json("before"),
        _json("after"),
        sa.Column("deadline_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_substantial", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("base_revision", sa.Integer(), nullable=False),
        sa.Column("proposed_by_id", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "deadline_after >= deadline_before", name=op.f("ck_amendment_deadline_never_earlier")
        ),
        sa.CheckConstraint(
            "state <> 'confirmed' OR version >= 1 AND decided_at IS NOT NULL",
            name=op.f("ck_amendment_in_force"),
        ),
        sa.CheckConstraint(
            "state <> 'refused' OR note <> ''", name=op.f("ck_amendment_refused_with_a_reason")
        ),
        sa.CheckConstraint("explanation <> ''", name=op.f("ck_amendment_explained")),
        _reference("amendment", "challenge_id", "challenge"),
        _reference("amendment", "proposed_by_id", "person"),
        _reference("amendment", "decided_by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendment")),
        sa.UniqueConstraint("challenge_id", "version", name=op.f("uq_amendment_challenge_id_version")),
    )
    for column in ("challenge_id", "proposed_by_id", "decided_by_id"):
        op.create_index(op.f(f"ix_amendment_{column}"), "amendment", [column])
    op.create_index(
        "uq_amendment_waiting",
        "amendment",
        ["challenge_id"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "bid_confirmation",
        sa.Column("bid_id", sa.Uuid(), nullable=False),
        sa.Column("amendment_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        _reference("bid_confirmation", "bid_id", "bid"),
        _reference("bid_confirmation", "amendment_id", "amendment"),
        _reference("bid_confirmation", "person_id", "person"),
        sa.PrimaryKeyConstraint("bid_id", "amendment_id", name=op.f("pk_bid_confirmation")),
    )
    for column in ("bid_id", "amendment_id", "person_id"):
        op.create_index(op.f(f"ix_bid_confirmation_{column}"), "bid_confirmation", [column])
    op.execute(GUARDS)


def downgrade() -> None:
    raise NotImplementedError("questions, answers and amendments would be lost")
