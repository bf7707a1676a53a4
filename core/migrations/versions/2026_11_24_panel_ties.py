"""No seat on a panel for who is tied to the poster or a bidder: by name, by control, by a team, or by being in charge.

The version before refuses the same in its service, so it may still run.
"""

from alembic import op

revision = "panel_ties"
down_revision = "teams_that_gave_way"
branch_labels = None
depends_on = None

# The second writing of challenges/reviews/conflicts.py; domains of mail addresses are missing on purpose (docs/decisions).
# Who was seated before a tie came about stays: only a new seat is asked for it.
GUARDS = """
CREATE FUNCTION plain_name(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(translate(regexp_replace(name, '[[:space:]\u00a0\u3000]', '', 'g'), '（）', '()'))
$$;

CREATE FUNCTION seat_tie(candidate panel_seat) RETURNS text LANGUAGE sql STABLE AS $$
    WITH about AS (
        SELECT r.bid_ids, c.organization_id AS poster_id, c.program_id
            FROM review r JOIN challenge c ON c.id = r.challenge_id WHERE r.id = candidate.review_id
    ), party AS (
        SELECT o.id, plain_name(o.name) AS name FROM organization o WHERE o.id IN (
            SELECT poster_id FROM about
            UNION
            SELECT m.organization_id FROM about
                JOIN bid_member m ON m.state = 'confirmed' AND about.bid_ids @> to_jsonb(m.bid_id::text))
    ), expert_now AS (
        SELECT e.* FROM expert e WHERE e.id = candidate.expert_id
    ), own AS (
        -- The employer, by key or as typed, and whatever they belong to here.
        SELECT e.organization_id AS id, plain_name(coalesce(o.name, e.organization_name)) AS name
            FROM expert_now e LEFT JOIN organization o ON o.id = e.organization_id
        UNION
        SELECT o.id, plain_name(o.name) FROM expert_now e
            JOIN membership m ON m.person_id = e.person_id JOIN organization o ON o.id = m.organization_id
    ), former AS (
        SELECT p.organization_id AS id, plain_name(p.organization_name) AS name FROM past_employer p
            WHERE p.expert_id = candidate.expert_id
                AND p.until_year >= extract(year FROM now() AT TIME ZONE 'Asia/Shanghai') - 5
    ), above AS (
        SELECT c.organization_id AS id, c.controller_id, nullif(plain_name(c.controller_name), '') AS controller_name
            FROM control_relation c
    ), team AS (
        SELECT m.consortium_id AS id, m.organization_id FROM consortium_member m
            JOIN consortium c ON c.id = m.consortium_id WHERE c.state IN ('submitted', 'approved')
        UNION ALL
        -- Who bids together is sealed with the bid.
        SELECT m.bid_id, m.organization_id FROM bid_member m
            JOIN bid b ON b.id = m.bid_id JOIN challenge c ON c.id = b.challenge_id
            WHERE m.state = 'confirmed' AND b.state = 'submitted' AND c.bids_opened_at IS NOT NULL
    )
    SELECT CASE
        WHEN EXISTS (SELECT 1 FROM own JOIN party ON party.id = own.id OR party.name = nullif(own.name, ''))
            THEN 'the expert belongs to the poster or to a bidder'
        WHEN EXISTS (SELECT 1 FROM former JOIN party ON party.id = former.id OR party.name = nullif(former.name, ''))
            THEN 'the expert has left the poster or a bidder within five years'
        WHEN EXISTS (SELECT 1 FROM above JOIN party ON party.id = above.id
                JOIN own ON own.id = above.controller_id OR own.name = above.controller_name)
            OR EXISTS (SELECT 1 FROM above JOIN own ON own.id = above.id
                JOIN party ON party.id = above.controller_id OR party.name = above.controller_name)
            OR EXISTS (SELECT 1 FROM above JOIN own ON own.id = above.id
                JOIN above other ON other.controller_id = above.controller_id
                    OR other.controller_name = above.controller_name
                JOIN party ON party.id = other.id)
            THEN 'control ties the expert''s organization to the poster or a bidder'
        WHEN EXISTS (SELECT 1 FROM team JOIN party ON party.id = team.organization_id
                JOIN team fellow ON fellow.id = team.id AND fellow.organization_id <> team.organization_id
                JOIN own ON own.id = fellow.organization_id)
            THEN 'the expert''s organization is in a team with the poster or a bidder'
        WHEN EXISTS (SELECT 1 FROM about JOIN program_officer p ON p.program_id = about.program_id
                JOIN expert_now e ON e.person_id = p.person_id)
            THEN 'the expert is in charge of the program'
    END
$$;

CREATE FUNCTION guard_panel_tie() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tie text;
BEGIN
    IF NEW.state NOT IN ('excluded', 'excused') THEN
        tie := seat_tie(NEW);
        IF tie IS NOT NULL THEN
            RAISE EXCEPTION '%', tie
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_panel_seat_without_conflict';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER panel_seat_tie BEFORE INSERT ON panel_seat FOR EACH ROW EXECUTE FUNCTION guard_panel_tie();
"""


def upgrade() -> None:
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute("DROP TRIGGER panel_seat_tie ON panel_seat")
    for name in ("guard_panel_tie()", "seat_tie(panel_seat)", "plain_name(text)"):
        op.execute(f"DROP FUNCTION {name}")
