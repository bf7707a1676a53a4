"""Waivers of the quota, confirmed by a second officer.

Safe while the version before is still running: it neither reads nor writes the new tables, and the guard of approvals
refuses what it refused before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "waivers"
down_revision = "stored_tokenizer"
branch_labels = None
depends_on = None

# `consortium_violation` as before, in two: what no waiver excuses, and all the parts of the quota that are broken.
JUDGEMENT = """
CREATE FUNCTION consortium_structural_violation(candidate consortium) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    rule quota_rule;
BEGIN
    SELECT q.* INTO rule FROM quota_rule q
        JOIN challenge c ON c.program_id = q.program_id AND c.id = candidate.challenge_id
        WHERE q.id = candidate.rule_id;
    IF NOT FOUND THEN RETURN 'no rule of the program'; END IF;
    IF rule.id IS DISTINCT FROM (
            SELECT q.id FROM quota_rule q WHERE q.program_id = rule.program_id
                AND q.effective_on <= (now() AT TIME ZONE 'Asia/Shanghai')::date
            ORDER BY q.effective_on DESC, q.version DESC LIMIT 1) THEN
        RETURN 'not the rule in force';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM consortium_member m
                   WHERE m.consortium_id = candidate.id AND m.organization_id = candidate.lead_id) THEN
        RETURN 'lead is not a member';
    END IF;
    IF EXISTS (SELECT 1 FROM consortium_member m JOIN organization o ON o.id = m.organization_id
               WHERE m.consortium_id = candidate.id
                 AND (m.kind <> o.kind OR m.size_class IS DISTINCT FROM o.size_class)) THEN
        RETURN 'a member has changed since the computation';
    END IF;
    IF EXISTS (SELECT 1 FROM requirement r WHERE r.challenge_id = candidate.challenge_id
               AND (SELECT count(*) FROM consortium_member m WHERE m.consortium_id = candidate.id
                    AND m.requirement_ids @> to_jsonb(r.id::text)) <> 1) THEN
        RETURN 'a requirement is not assigned to exactly one member';
    END IF;
    IF EXISTS (SELECT 1 FROM consortium_member m
               WHERE m.consortium_id = candidate.id AND jsonb_array_length(m.requirement_ids) = 0) THEN
        RETURN 'a member answers for no requirement';
    END IF;
    IF candidate.bid_id IS NULL THEN
        IF EXISTS (SELECT 1 FROM consortium_member m WHERE m.consortium_id = candidate.id
                   AND m.budget_wan <> (SELECT coalesce(sum(coalesce(r.budget_wan, 0)), 0) FROM requirement r
                                        WHERE r.challenge_id = candidate.challenge_id
                                          AND m.requirement_ids @> to_jsonb(r.id::text))) THEN
            RETURN 'a budget is not that of the assigned requirements';
        END IF;
    -- A bid names its own money; its consortium is taken as it was bid.
    ELSIF EXISTS (SELECT 1
                  FROM (SELECT * FROM consortium_member WHERE consortium_id = candidate.id) m
                  FULL JOIN (SELECT * FROM bid_member WHERE bid_id = candidate.bid_id AND state = 'confirmed') b
                      ON b.organization_id = m.organization_id
                  WHERE (m.budget_wan = b.budget_wan AND m.requirement_ids @> b.requirement_ids
                         AND b.requirement_ids @> m.requirement_ids) IS NOT TRUE) THEN
        RETURN 'it is not the consortium of the bid';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION consortium_broken_parts(candidate consortium) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    rule quota_rule;
    heads integer;
    sme_heads integer;
    total numeric;
    sme_total numeric;
    small_micro_total numeric;
    lead_size text;
    broken text[] := '{}';
BEGIN
    SELECT * INTO rule FROM quota_rule q WHERE q.id = candidate.rule_id;
    WITH relation AS (
        -- Sharing a legal representative is mutual, whichever of the two declared it.
        SELECT r.organization_id, r.controller_id, r.controller_size, r.kind FROM control_relation r
        UNION ALL
        SELECT r.controller_id, r.organization_id, NULL, r.kind FROM control_relation r
            WHERE r.kind = 'same_legal_representative' AND r.controller_id IS NOT NULL
    ), member AS (
        SELECT m.budget_wan, m.size_class,
               m.kind = 'enterprise' AND coalesce(m.size_class IN ('medium', 'small', 'micro'), false)
               AND NOT EXISTS (
                   SELECT 1 FROM relation r LEFT JOIN organization o ON o.id = r.controller_id
                   WHERE r.organization_id = m.organization_id
                     -- A declared size stands in for one that is not known; institutes and universities have none.
                     AND ((o.id IS NULL OR o.kind = 'enterprise')
                              AND coalesce(o.size_class, r.controller_size) = 'large'
                          OR (r.kind = 'control' AND EXISTS (
                                  SELECT 1 FROM consortium_member other
                                  WHERE other.consortium_id = candidate.id
                                    AND other.organization_id = r.controller_id)))
               ) AS counted
        FROM consortium_member m WHERE m.consortium_id = candidate.id
    )
    SELECT count(*), count(*) FILTER (WHERE counted), coalesce(sum(budget_wan), 0),
           coalesce(sum(budget_wan) FILTER (WHERE counted), 0),
           coalesce(sum(budget_wan) FILTER (WHERE counted AND size_class IN ('small', 'micro')), 0)
    INTO heads, sme_heads, total, sme_total, small_micro_total FROM member;

    IF heads > rule.max_members THEN broken := broken || 'max_members'::text; END IF;
    SELECT size_class INTO lead_size FROM organization WHERE id = candidate.lead_id;
    IF rule.applies_to = 'large_lead' AND lead_size IS DISTINCT FROM 'large' THEN RETURN broken; END IF;
    IF sme_total < rule.min_sme_budget_share * total THEN broken := broken || 'min_sme_budget_share'::text; END IF;
    IF small_micro_total < rule.min_small_micro_share_of_sme * sme_total THEN
        broken := broken || 'min_small_micro_share_of_sme'::text;
    END IF;
    IF sme_heads < rule.min_sme_members THEN broken := broken || 'min_sme_members'::text; END IF;
    IF sme_heads < rule.min_sme_member_share * heads THEN broken := broken || 'min_sme_member_share'::text; END IF;
    RETURN broken;
END $$;

CREATE OR REPLACE FUNCTION consortium_violation(candidate consortium) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(consortium_structural_violation(candidate), (consortium_broken_parts(candidate))[1]);
$$;

-- What a waiver is for: change any of it, and it is for something else.
CREATE FUNCTION consortium_content(candidate consortium) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(jsonb_build_array(
        candidate.challenge_id, candidate.lead_id, candidate.rule_id, candidate.bid_id,
        (SELECT jsonb_agg(jsonb_build_array(m.organization_id, m.kind, m.size_class, m.budget_wan, m.requirement_ids)
                          ORDER BY m.organization_id)
         FROM consortium_member m WHERE m.consortium_id = candidate.id))::text);
$$;

CREATE FUNCTION waived_parts(candidate consortium, revision_before integer) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT w.parts::text[] FROM waiver w JOIN waiver_answer a ON a.waiver_id = w.id AND a.is_confirmed
                     WHERE w.consortium_id = candidate.id AND w.consortium_revision = revision_before
                       AND w.content = consortium_content(candidate)), '{}');
$$;

CREATE OR REPLACE FUNCTION guard_consortium() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    violation text;
    part text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.state IN ('approved', 'rejected') THEN
            RAISE EXCEPTION 'a decided consortium cannot be deleted' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state IN ('approved', 'rejected') THEN
        IF (NEW.state, NEW.challenge_id, NEW.lead_id, NEW.rule_id, NEW.objective, NEW.computation) IS DISTINCT FROM
           (OLD.state, OLD.challenge_id, OLD.lead_id, OLD.rule_id, OLD.objective, OLD.computation) THEN
            RAISE EXCEPTION 'a decided consortium cannot be changed' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
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
    END IF;
    RETURN NEW;
END $$;
"""

WAIVER_GUARDS = """
CREATE FUNCTION check_waiver_officer(person uuid, judged consortium) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM program_officer o JOIN challenge c ON c.program_id = o.program_id
                   WHERE c.id = judged.challenge_id AND o.person_id = person) THEN
        RAISE EXCEPTION 'not an officer of the program'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_waiver_officer';
    END IF;
    IF EXISTS (SELECT 1 FROM membership p WHERE p.person_id = person AND p.organization_id IN (
                   SELECT m.organization_id FROM consortium_member m WHERE m.consortium_id = judged.id
                   UNION ALL SELECT c.organization_id FROM challenge c WHERE c.id = judged.challenge_id)) THEN
        RAISE EXCEPTION 'the officer belongs to a member or to the poster'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_waiver_officer';
    END IF;
END $$;

CREATE FUNCTION guard_waiver() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    judged consortium;
    broken text[];
BEGIN
    SELECT * INTO judged FROM consortium WHERE id = NEW.consortium_id FOR SHARE;
    IF judged.state <> 'submitted' OR judged.revision <> NEW.consortium_revision THEN
        RAISE EXCEPTION 'not the consortium as it waits for its decision'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_waiver_present';
    END IF;
    PERFORM check_waiver_officer(NEW.requested_by_id, judged);
    broken := consortium_broken_parts(judged);
    IF consortium_structural_violation(judged) IS NOT NULL
            OR NOT (NEW.parts::text[] @> broken AND NEW.parts::text[] <@ broken) THEN
        RAISE EXCEPTION 'a waiver names the broken parts of the quota and nothing else'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_waiver_present';
    END IF;
    NEW.content := consortium_content(judged);
    RETURN NEW;
END $$;
CREATE TRIGGER waiver_guard BEFORE INSERT ON waiver FOR EACH ROW EXECUTE FUNCTION guard_waiver();

CREATE FUNCTION guard_waiver_answer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked waiver;
    judged consortium;
BEGIN
    SELECT * INTO asked FROM waiver WHERE id = NEW.waiver_id;
    SELECT * INTO judged FROM consortium WHERE id = asked.consortium_id FOR SHARE;
    IF NEW.officer_id = asked.requested_by_id THEN
        RAISE EXCEPTION 'a waiver is confirmed by a second officer'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_waiver_second_officer';
    END IF;
    PERFORM check_waiver_officer(NEW.officer_id, judged);
    IF judged.state <> 'submitted' OR judged.revision <> asked.consortium_revision
            OR consortium_content(judged) <> asked.content THEN
        RAISE EXCEPTION 'not the consortium that the waiver was asked for'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_waiver_present';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER waiver_answer_guard BEFORE INSERT ON waiver_answer
    FOR EACH ROW EXECUTE FUNCTION guard_waiver_answer();
"""


def append_only(table: str) -> str:
    return f"""
    CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only;
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
    """


def upgrade() -> None:
    op.create_table(
        "waiver",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("consortium_id", sa.Uuid(), nullable=False),
        sa.Column("consortium_revision", sa.Integer(), nullable=False),
        sa.Column("parts", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("reason", Text(), server_default="", nullable=False),
        sa.Column("requested_by_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.String(length=32), server_default="", nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_waiver_has_a_reason")),
        sa.CheckConstraint("cardinality(parts) > 0", name=op.f("ck_waiver_names_parts")),
        sa.ForeignKeyConstraint(
            ["consortium_id"], ["consortium.id"], name=op.f("fk_waiver_consortium_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["person.id"], name=op.f("fk_waiver_requested_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
        sa.UniqueConstraint(
            "consortium_id", "consortium_revision", name=op.f("uq_waiver_consortium_id_consortium_revision")
        ),
    )
    op.create_index(op.f("ix_waiver_consortium_id"), "waiver", ["consortium_id"])
    op.create_index(op.f("ix_waiver_requested_by_id"), "waiver", ["requested_by_id"])
    op.create_table(
        "waiver_answer",
        sa.Column("waiver_id", sa.Uuid(), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), nullable=False),
        sa.Column("reason", Text(), server_default="", nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "is_confirmed OR reason <> ''", name=op.f("ck_waiver_answer_refusals_have_a_reason")
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["person.id"], name=op.f("fk_waiver_answer_officer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["waiver_id"], ["waiver.id"], name=op.f("fk_waiver_answer_waiver_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("waiver_id", name=op.f("pk_waiver_answer")),
    )
    op.create_index(op.f("ix_waiver_answer_officer_id"), "waiver_answer", ["officer_id"])
    op.execute(JUDGEMENT)
    op.execute(WAIVER_GUARDS)
    for table in ("waiver", "waiver_answer"):
        op.execute(append_only(table))


def downgrade() -> None:
    raise NotImplementedError("waivers are never taken away")
