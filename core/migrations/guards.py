"""Guards written in SQL that the first migration installs.

Frozen like the migration itself: a later change is a new migration with its own text.
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER quota_rule_append_only BEFORE UPDATE OR DELETE ON quota_rule
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON decision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- ALWAYS: session_replication_role = replica, which tools set to pass over triggers, does not pass over these.
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_append_only;
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_no_truncate;
ALTER TABLE quota_rule ENABLE ALWAYS TRIGGER quota_rule_append_only;
ALTER TABLE decision ENABLE ALWAYS TRIGGER decision_append_only;
ALTER TABLE decision ENABLE ALWAYS TRIGGER decision_no_truncate;
"""

# The same law as matching.quota, written a second time on purpose: neither the service nor a person at the
# database console can approve what breaks it. Sizes and control relations are read as they stand now, and must
# agree with what the consortium was computed from.
QUOTA_GUARD = """
CREATE FUNCTION consortium_violation(candidate consortium) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    rule quota_rule;
    heads integer;
    sme_heads integer;
    total numeric;
    sme_total numeric;
    small_micro_total numeric;
    lead_size text;
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

    IF heads > rule.max_members THEN RETURN 'max_members'; END IF;
    SELECT size_class INTO lead_size FROM organization WHERE id = candidate.lead_id;
    IF rule.applies_to = 'large_lead' AND lead_size IS DISTINCT FROM 'large' THEN RETURN NULL; END IF;
    IF sme_total < rule.min_sme_budget_share * total THEN RETURN 'min_sme_budget_share'; END IF;
    IF small_micro_total < rule.min_small_micro_share_of_sme * sme_total THEN
        RETURN 'min_small_micro_share_of_sme';
    END IF;
    IF sme_heads < rule.min_sme_members THEN RETURN 'min_sme_members'; END IF;
    IF sme_heads < rule.min_sme_member_share * heads THEN RETURN 'min_sme_member_share'; END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION guard_consortium() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    violation text;
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
        violation := consortium_violation(NEW);
        IF violation IS NOT NULL THEN
            RAISE EXCEPTION 'consortium breaks the quota rule: %', violation
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_consortium_keeps_quota_rule';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consortium_guard BEFORE INSERT OR UPDATE OR DELETE ON consortium
    FOR EACH ROW EXECUTE FUNCTION guard_consortium();

CREATE FUNCTION guard_consortium_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Locked, so that an approval under way ends before this change is judged, and the other way round.
    PERFORM 1 FROM consortium c
        WHERE c.id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.consortium_id END,
                       CASE WHEN TG_OP <> 'DELETE' THEN NEW.consortium_id END)
        FOR SHARE;
    IF EXISTS (SELECT 1 FROM consortium c WHERE c.state IN ('approved', 'rejected')
               AND c.id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.consortium_id END,
                            CASE WHEN TG_OP <> 'DELETE' THEN NEW.consortium_id END)) THEN
        RAISE EXCEPTION 'members of a decided consortium cannot be changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER consortium_member_guard BEFORE INSERT OR UPDATE OR DELETE ON consortium_member
    FOR EACH ROW EXECUTE FUNCTION guard_consortium_member();

CREATE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM membership p JOIN consortium_member m ON m.organization_id = p.organization_id
               WHERE p.person_id = NEW.officer_id AND m.consortium_id = NEW.consortium_id) THEN
        RAISE EXCEPTION 'the officer belongs to a member'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_decision_officer_is_no_member';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_guard BEFORE INSERT ON decision FOR EACH ROW EXECUTE FUNCTION guard_decision();
"""
