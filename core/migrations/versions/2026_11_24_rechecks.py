"""The quota checked again after the approval, departures of members, and consortia that were superseded.

Safe while the version before is still running: it neither reads nor writes what is new here, and what it was refused
before it is refused still. Consortia that are approved already are followed from their present facts on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "rechecks"
down_revision = "waivers"
branch_labels = None
depends_on = None

STATES = "'proposed', 'submitted', 'returned', 'approved', 'rejected', 'superseded'"

FACTS = """
CREATE FUNCTION consortium_facts(consortium_id uuid) RETURNS text LANGUAGE sql STABLE AS $$
    WITH relation AS (
        SELECT r.organization_id, r.kind, r.controller_id, r.controller_name, r.controller_size FROM control_relation r
        UNION ALL
        SELECT r.controller_id, r.kind, r.organization_id, '', NULL FROM control_relation r
            WHERE r.kind = 'same_legal_representative' AND r.controller_id IS NOT NULL
    )
    SELECT md5(coalesce(string_agg(concat_ws('|', m.organization_id, o.kind, coalesce(o.size_class, ''), o.verification,
        EXISTS (SELECT 1 FROM member_departure d
                WHERE d.consortium_id = m.consortium_id AND d.organization_id = m.organization_id),
        (SELECT string_agg(concat_ws(':', r.kind, coalesce(r.controller_id::text, r.controller_name),
                                     coalesce(c.size_class, r.controller_size, '')), ','
                           ORDER BY r.kind, r.controller_id, r.controller_name)
         FROM relation r LEFT JOIN organization c ON c.id = r.controller_id
         WHERE r.organization_id = m.organization_id)), E'\\n' ORDER BY m.organization_id), ''))
    FROM consortium_member m JOIN organization o ON o.id = m.organization_id
    WHERE m.consortium_id = consortium_facts.consortium_id;
$$;
"""

GUARDS = """
CREATE OR REPLACE FUNCTION guard_consortium() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    violation text;
    part text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state IN ('approved', 'rejected', 'superseded') THEN
            RAISE EXCEPTION 'a decided consortium cannot be deleted' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state IN ('approved', 'rejected', 'superseded') THEN
        IF (NEW.challenge_id, NEW.lead_id, NEW.rule_id, NEW.objective, NEW.computation, NEW.approved_facts)
           IS DISTINCT FROM
           (OLD.challenge_id, OLD.lead_id, OLD.rule_id, OLD.objective, OLD.computation, OLD.approved_facts)
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
    IF EXISTS (SELECT 1 FROM consortium c WHERE c.state IN ('approved', 'rejected', 'superseded')
               AND c.id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.consortium_id END,
                            CASE WHEN TG_OP <> 'DELETE' THEN NEW.consortium_id END)) THEN
        RAISE EXCEPTION 'members of a decided consortium cannot be changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION guard_recheck() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    judged consortium;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'what a recheck found stays' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO judged FROM consortium WHERE id = NEW.consortium_id;
    IF TG_OP = 'INSERT' THEN
        NEW.facts := consortium_facts(NEW.consortium_id);
        IF NEW.settled_at IS NOT NULL AND NEW.facts IS DISTINCT FROM judged.approved_facts THEN
            RAISE EXCEPTION 'an officer settles what has changed'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_quota_recheck_settled_by_an_officer';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.settled_at IS NOT NULL
            OR (NEW.id, NEW.consortium_id, NEW.found_at, NEW.changes, NEW.quota, NEW.holds, NEW.facts)
               IS DISTINCT FROM
               (OLD.id, OLD.consortium_id, OLD.found_at, OLD.changes, OLD.quota, OLD.holds, OLD.facts) THEN
        RAISE EXCEPTION 'what a recheck found stays, and it is settled once' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.settlement = 'found_anew' THEN
        IF OLD.facts IS NOT DISTINCT FROM consortium_facts(OLD.consortium_id) THEN
            RAISE EXCEPTION 'nothing has changed since'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_quota_recheck_settled_by_an_officer';
        END IF;
    ELSIF NEW.settlement IS NOT NULL THEN
        PERFORM check_waiver_officer(NEW.settled_by_id, judged);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER quota_recheck_guard BEFORE INSERT OR UPDATE OR DELETE ON quota_recheck
    FOR EACH ROW EXECUTE FUNCTION guard_recheck();
CREATE TRIGGER quota_recheck_no_truncate BEFORE TRUNCATE ON quota_recheck
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER member_departure_append_only BEFORE UPDATE OR DELETE ON member_departure
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER member_departure_no_truncate BEFORE TRUNCATE ON member_departure
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_contract() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'contracted' AND OLD.state <> 'contracted' AND EXISTS (
            SELECT 1 FROM consortium c LEFT JOIN LATERAL (
                SELECT q.facts, q.settlement FROM quota_recheck q WHERE q.consortium_id = c.id
                ORDER BY q.found_at DESC LIMIT 1) newest ON true
            WHERE c.challenge_id = NEW.id AND c.state = 'approved'
            AND (coalesce(newest.facts, c.approved_facts) IS DISTINCT FROM consortium_facts(c.id)
                 OR newest.facts IS NOT NULL AND coalesce(newest.settlement, '') NOT IN ('kept', 'found_anew'))) THEN
        RAISE EXCEPTION 'the quota has to be settled first'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_challenge_quota_settled';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER challenge_contract_guard BEFORE UPDATE OF state ON challenge
    FOR EACH ROW EXECUTE FUNCTION guard_contract();

CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM membership p WHERE p.person_id = NEW.officer_id AND p.organization_id IN (
                   SELECT m.organization_id FROM consortium_member m WHERE m.consortium_id = NEW.consortium_id
                   UNION ALL
                   SELECT c.organization_id FROM consortium s JOIN challenge c ON c.id = s.challenge_id
                   WHERE s.id = NEW.consortium_id)) THEN
        RAISE EXCEPTION 'the officer belongs to a member or to the poster'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_decision_officer_is_no_member';
    END IF;
    RETURN NEW;
END $$;

ALTER TABLE quota_recheck ENABLE ALWAYS TRIGGER quota_recheck_guard;
ALTER TABLE quota_recheck ENABLE ALWAYS TRIGGER quota_recheck_no_truncate;
ALTER TABLE member_departure ENABLE ALWAYS TRIGGER member_departure_append_only;
ALTER TABLE member_departure ENABLE ALWAYS TRIGGER member_departure_no_truncate;
ALTER TABLE challenge ENABLE ALWAYS TRIGGER challenge_contract_guard;
"""


def upgrade() -> None:
    op.drop_constraint(op.f("consortiumstate"), "consortium", type_="check")
    op.create_check_constraint(op.f("consortiumstate"), "consortium", f"state IN ({STATES})")
    op.add_column("consortium", sa.Column("approved_facts", sa.String(length=32), nullable=True))
    op.create_table(
        "member_departure",
        sa.Column("consortium_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_member_departure_has_a_reason")),
        sa.ForeignKeyConstraint(
            ["consortium_id"],
            ["consortium.id"],
            name=op.f("fk_member_departure_consortium_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_member_departure_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_member_departure_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("consortium_id", "organization_id", name=op.f("pk_member_departure")),
    )
    for column in ("consortium_id", "organization_id", "person_id"):
        op.create_index(op.f(f"ix_member_departure_{column}"), "member_departure", [column])
    op.create_table(
        "quota_recheck",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consortium_id", sa.Uuid(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "changes",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "quota",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.String(length=32), server_default="", nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "settlement",
            sa.Enum(
                "kept",
                "superseded",
                "ended",
                "found_anew",
                name="settlement",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("settlement <> 'kept' OR holds", name=op.f("ck_quota_recheck_kept_holds")),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (settlement IS NULL)", name=op.f("ck_quota_recheck_settled_somehow")
        ),
        sa.CheckConstraint(
            "settlement IS NULL OR settlement = 'found_anew' OR reason <> '' AND settled_by_id IS NOT NULL",
            name=op.f("ck_quota_recheck_settled_with_a_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["consortium_id"],
            ["consortium.id"],
            name=op.f("fk_quota_recheck_consortium_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["person.id"], name=op.f("fk_quota_recheck_settled_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_recheck")),
    )
    op.create_index(op.f("ix_quota_recheck_consortium_id"), "quota_recheck", ["consortium_id"])
    op.create_index(op.f("ix_quota_recheck_settled_by_id"), "quota_recheck", ["settled_by_id"])
    op.create_index(
        "uq_quota_recheck_unsettled",
        "quota_recheck",
        ["consortium_id"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.execute(FACTS)
    op.execute("UPDATE consortium SET approved_facts = consortium_facts(id) WHERE state = 'approved'")
    op.execute(GUARDS)


def downgrade() -> None:
    raise NotImplementedError(
        "what was found would be lost, and superseded consortia stand in a state of their own"
    )
