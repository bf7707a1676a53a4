"""Public notices of awards, and objections against them.

Safe while the version before is still running: it takes no challenge from its award to a notice, and what it was
refused before it is refused still.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "notices"
down_revision = "questions_and_amendments"
branch_labels = None
depends_on = None

GUARDS = """
CREATE FUNCTION guard_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a notice stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.challenge_id, NEW.introduction, NEW.content, NEW.begun_at, NEW.ends_at, NEW.published_by_id)
       IS DISTINCT FROM
       (OLD.id, OLD.challenge_id, OLD.introduction, OLD.content, OLD.begun_at, OLD.ends_at, OLD.published_by_id) THEN
        RAISE EXCEPTION 'what a notice says is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'withdrawn' AND NEW.state <> 'withdrawn' THEN
        RAISE EXCEPTION 'a withdrawn notice stays so' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER notice_guard BEFORE UPDATE OR DELETE ON notice FOR EACH ROW EXECUTE FUNCTION guard_notice();
CREATE TRIGGER notice_no_truncate BEFORE TRUNCATE ON notice
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who has an interest in an award: the poster, and whoever is a member of a team that holds it.
CREATE FUNCTION has_award_interest(person uuid, of_challenge uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM membership p WHERE p.person_id = person AND p.organization_id IN (
        SELECT c.organization_id FROM challenge c WHERE c.id = of_challenge
        UNION ALL
        SELECT m.organization_id FROM consortium_member m JOIN consortium s ON s.id = m.consortium_id
        WHERE s.challenge_id = of_challenge AND s.state = 'approved'));
$$;

CREATE FUNCTION has_decided_award(person uuid, of_challenge uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM decision d JOIN consortium s ON s.id = d.consortium_id
                   WHERE s.challenge_id = of_challenge AND s.state = 'approved' AND d.outcome = 'approved'
                     AND d.officer_id = person);
$$;

CREATE FUNCTION guard_objection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an objection stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM 1 FROM notice n WHERE n.id = NEW.notice_id AND n.challenge_id = NEW.challenge_id
            AND n.state = 'open' AND n.ends_at > clock_timestamp() FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the notice does not run'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_objection_in_time';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.notice_id, NEW.challenge_id, NEW.organization_id, NEW.person_id, NEW.consortium_id, NEW.text,
        NEW.raised_at)
       IS DISTINCT FROM
       (OLD.id, OLD.notice_id, OLD.challenge_id, OLD.organization_id, OLD.person_id, OLD.consortium_id, OLD.text,
        OLD.raised_at)
       OR OLD.answered_at IS NOT NULL AND
       (NEW.state, NEW.answer, NEW.summary, NEW.effect, NEW.answered_by_id, NEW.answered_at)
       IS DISTINCT FROM
       (OLD.state, OLD.answer, OLD.summary, OLD.effect, OLD.answered_by_id, OLD.answered_at) THEN
        RAISE EXCEPTION 'what was objected stays, and it is answered once' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.answered_at IS NOT NULL AND OLD.answered_at IS NULL THEN
        IF NOT EXISTS (SELECT 1 FROM program_officer o JOIN challenge c ON c.program_id = o.program_id
                       WHERE c.id = NEW.challenge_id AND o.person_id = NEW.answered_by_id)
           OR has_award_interest(NEW.answered_by_id, NEW.challenge_id)
           OR EXISTS (SELECT 1 FROM membership p WHERE p.person_id = NEW.answered_by_id
                      AND p.organization_id = NEW.organization_id) THEN
            RAISE EXCEPTION 'not an officer of the program without an interest'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_objection_officer';
        END IF;
        IF has_decided_award(NEW.answered_by_id, NEW.challenge_id) AND EXISTS (
                SELECT 1 FROM program_officer o JOIN challenge c ON c.program_id = o.program_id
                JOIN person p ON p.id = o.person_id AND NOT p.is_disabled
                JOIN person_role r ON r.person_id = p.id AND r.role = 'officer'
                WHERE c.id = NEW.challenge_id AND NOT has_decided_award(o.person_id, NEW.challenge_id)
                  AND NOT has_award_interest(o.person_id, NEW.challenge_id)
                  AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.person_id = o.person_id
                                  AND m.organization_id = NEW.organization_id)) THEN
            RAISE EXCEPTION 'another officer than the one who decided answers'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_objection_second_officer';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER objection_guard BEFORE INSERT OR UPDATE OR DELETE ON objection
    FOR EACH ROW EXECUTE FUNCTION guard_objection();
CREATE TRIGGER objection_no_truncate BEFORE TRUNCATE ON objection
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- No contract while the notice runs or an objection waits.
CREATE FUNCTION guard_notice_before_contract() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'contracted' AND OLD.state <> 'contracted' AND (
            EXISTS (SELECT 1 FROM notice n WHERE n.challenge_id = NEW.id AND n.state <> 'withdrawn'
                    AND n.ends_at > clock_timestamp())
            OR EXISTS (SELECT 1 FROM objection o WHERE o.challenge_id = NEW.id AND o.state = 'raised')) THEN
        RAISE EXCEPTION 'the notice still runs, or an objection waits'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_challenge_notice_over';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER challenge_notice_guard BEFORE UPDATE OF state ON challenge
    FOR EACH ROW EXECUTE FUNCTION guard_notice_before_contract();

ALTER TABLE notice ENABLE ALWAYS TRIGGER notice_guard;
ALTER TABLE notice ENABLE ALWAYS TRIGGER notice_no_truncate;
ALTER TABLE objection ENABLE ALWAYS TRIGGER objection_guard;
ALTER TABLE objection ENABLE ALWAYS TRIGGER objection_no_truncate;
ALTER TABLE challenge ENABLE ALWAYS TRIGGER challenge_notice_guard;
"""


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="RESTRICT"
    )


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("state", _enum("noticestate", "open", "ended", "withdrawn"), nullable=False),
        sa.Column("introduction", sa.Text(), server_default="", nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _moment("begun_at"),
        _moment("ends_at"),
        _moment("ended_at", nullable=True),
        sa.Column("published_by_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ends_at > begun_at", name=op.f("ck_notice_ends_after_it_begins")),
        sa.CheckConstraint(
            "(state = 'open') = (ended_at IS NULL)", name=op.f("ck_notice_ended_at_some_time")
        ),
        sa.CheckConstraint(
            "state <> 'withdrawn' OR note <> ''", name=op.f("ck_notice_withdrawn_with_a_reason")
        ),
        _reference("notice", "challenge_id", "challenge"),
        _reference("notice", "published_by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    for column in ("challenge_id", "published_by_id"):
        op.create_index(op.f(f"ix_notice_{column}"), "notice", [column])
    op.create_index("ix_notice_state_ends_at", "notice", ["state", "ends_at"])
    op.create_index(
        "uq_notice_standing",
        "notice",
        ["challenge_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.create_table(
        "objection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("consortium_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            _enum("objectionstate", "raised", "upheld", "dismissed", "withdrawn", "lapsed"),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        _moment("raised_at"),
        _moment("due_at"),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("effect", _enum("effect", "stands", "returned", "annulled"), nullable=True),
        sa.Column("answered_by_id", sa.Uuid(), nullable=True),
        _moment("answered_at", nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("text <> ''", name=op.f("ck_objection_says_something")),
        sa.CheckConstraint(
            "(state IN ('upheld', 'dismissed')) = (answered_at IS NOT NULL)",
            name=op.f("ck_objection_answered_at_some_time"),
        ),
        sa.CheckConstraint(
            "answered_at IS NULL OR answer <> '' AND summary <> '' AND answered_by_id IS NOT NULL",
            name=op.f("ck_objection_answered_in_words"),
        ),
        sa.CheckConstraint(
            "answered_at IS NULL OR (state = 'upheld') = (effect IS NOT NULL AND effect <> 'stands')",
            name=op.f("ck_objection_upheld_has_an_effect"),
        ),
        *(
            _reference("objection", column, target)
            for column, target in (
                ("notice_id", "notice"),
                ("challenge_id", "challenge"),
                ("organization_id", "organization"),
                ("person_id", "person"),
                ("consortium_id", "consortium"),
                ("answered_by_id", "person"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    for column in (
        "notice_id",
        "challenge_id",
        "organization_id",
        "person_id",
        "consortium_id",
        "answered_by_id",
    ):
        op.create_index(op.f(f"ix_objection_{column}"), "objection", [column])
    op.create_index(
        "uq_objection_raised",
        "objection",
        ["notice_id", "organization_id"],
        unique=True,
        postgresql_where=sa.text("state = 'raised'"),
    )
    op.execute(GUARDS)


def downgrade() -> None:
    raise NotImplementedError("what was published is never taken away")
