"""The expert base, and reviews of bids by panels of experts: criteria, seats, scores, discussion."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "reviews"
down_revision = "milestones"
branch_labels = None
depends_on = None

# What must hold whoever writes: no seat against a conflict that the database knows of, a whole panel before anybody
# scores, all scores before anybody sees them, nothing changed after the end.
GUARDS = """
CREATE FUNCTION seat_conflict(candidate panel_seat) RETURNS text LANGUAGE sql STABLE AS $$
    WITH party AS (
        SELECT c.organization_id FROM review r JOIN challenge c ON c.id = r.challenge_id
            WHERE r.id = candidate.review_id
        UNION
        SELECT m.organization_id FROM review r
            JOIN bid_member m ON m.state = 'confirmed' AND r.bid_ids @> to_jsonb(m.bid_id::text)
            WHERE r.id = candidate.review_id
    ), own AS (
        SELECT e.organization_id FROM expert e WHERE e.id = candidate.expert_id
        UNION
        SELECT p.organization_id FROM past_employer p WHERE p.expert_id = candidate.expert_id
            AND p.until_year >= extract(year FROM now() AT TIME ZONE 'Asia/Shanghai') - 5
        UNION
        SELECT m.organization_id FROM membership m JOIN expert e ON e.person_id = m.person_id
            WHERE e.id = candidate.expert_id
    )
    SELECT 'the expert belongs to the poster or to a bidder' WHERE EXISTS (
        SELECT 1 FROM own JOIN party ON party.organization_id = own.organization_id)
$$;

CREATE FUNCTION guard_panel_seat() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    conflict text;
    review_now review;
BEGIN
    SELECT * INTO review_now FROM review WHERE id = coalesce(NEW.review_id, OLD.review_id);
    IF review_now.state IN ('finished', 'broken_off') THEN
        RAISE EXCEPTION 'the review has ended' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.state <> 'proposed' THEN
            RAISE EXCEPTION 'who was asked stays in the record' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.review_id, NEW.expert_id, NEW.is_enterprise)
            IS DISTINCT FROM (OLD.review_id, OLD.expert_id, OLD.is_enterprise) THEN
        RAISE EXCEPTION 'a seat is one expert''s' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state NOT IN ('excluded', 'excused') AND (TG_OP = 'INSERT' OR NEW.state <> OLD.state) THEN
        conflict := seat_conflict(NEW);
        IF conflict IS NOT NULL THEN
            RAISE EXCEPTION '%', conflict
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_panel_seat_without_conflict';
        END IF;
    END IF;
    IF NEW.state = 'handed_in' AND (
            SELECT count(*) FROM score s WHERE s.seat_id = NEW.id AND s.points IS NOT NULL
        ) < jsonb_array_length(review_now.bid_ids) * jsonb_array_length(review_now.criteria) THEN
        RAISE EXCEPTION 'not every bid is scored by every criterion'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_panel_seat_scored_completely';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER panel_seat_guard BEFORE INSERT OR UPDATE OR DELETE ON panel_seat
    FOR EACH ROW EXECUTE FUNCTION guard_panel_seat();

CREATE FUNCTION guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER review_guard BEFORE UPDATE OR DELETE ON review FOR EACH ROW EXECUTE FUNCTION guard_review();

CREATE FUNCTION guard_score() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    seat panel_seat;
    review_now review;
BEGIN
    SELECT * INTO seat FROM panel_seat WHERE id = coalesce(NEW.seat_id, OLD.seat_id);
    SELECT * INTO review_now FROM review WHERE id = seat.review_id;
    IF NOT (seat.state = 'declared' AND review_now.state = 'scoring'
            OR TG_OP = 'UPDATE' AND seat.state = 'handed_in' AND review_now.state = 'discussing'
               AND NEW.points IS NOT NULL) THEN
        RAISE EXCEPTION 'scores are given after declaring, and revised in the discussion'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    IF NOT review_now.bid_ids @> to_jsonb(NEW.bid_id::text)
            OR NEW.criterion NOT BETWEEN 0 AND jsonb_array_length(review_now.criteria) - 1
            OR NEW.points > (review_now.criteria -> NEW.criterion::integer ->> 'max_points')::numeric THEN
        RAISE EXCEPTION 'a score of a bid and a criterion under review, within its scale'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_score_within_review';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER score_guard BEFORE INSERT OR UPDATE OR DELETE ON score
    FOR EACH ROW EXECUTE FUNCTION guard_score();

CREATE TRIGGER score_revision_append_only BEFORE UPDATE OR DELETE ON score_revision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER score_revision_no_truncate BEFORE TRUNCATE ON score_revision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_remark_append_only BEFORE UPDATE OR DELETE ON review_remark
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER review_remark_no_truncate BEFORE TRUNCATE ON review_remark
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
TABLES = (
    "expert",
    "past_employer",
    "review_criterion",
    "review",
    "panel_seat",
    "score",
    "score_revision",
    "review_remark",
)


def upgrade() -> None:
    op.create_table(
        "expert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("organization_name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("title", sa.String(length=100), server_default="", nullable=False),
        sa.Column(
            "fields", postgresql.ARRAY(sa.String(length=4)), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("strengths", sa.Text(), server_default="", nullable=False),
        sa.Column("is_enterprise", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "organization_id IS NOT NULL OR organization_name <> ''", name=op.f("ck_expert_has_an_employer")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["person.id"], name=op.f("fk_expert_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_expert_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_expert_person_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert")),
    )
    op.create_index(op.f("ix_expert_organization_id"), "expert", ["organization_id"], unique=False)
    op.create_index(op.f("ix_expert_person_id"), "expert", ["person_id"], unique=True)
    op.create_table(
        "past_employer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("organization_name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("until_year", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "organization_id IS NOT NULL OR organization_name <> ''",
            name=op.f("ck_past_employer_is_somebody"),
        ),
        sa.CheckConstraint("until_year BETWEEN 1950 AND 2100", name=op.f("ck_past_employer_year_plausible")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["expert.id"], name=op.f("fk_past_employer_expert_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_past_employer_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_employer")),
    )
    op.create_index(op.f("ix_past_employer_expert_id"), "past_employer", ["expert_id"], unique=False)
    op.create_index(
        op.f("ix_past_employer_organization_id"), "past_employer", ["organization_id"], unique=False
    )
    op.create_table(
        "review_criterion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("weight", sa.Numeric(precision=7, scale=2), nullable=False),
        sa.Column("max_points", sa.SmallInteger(), server_default="10", nullable=False),
        sa.CheckConstraint("max_points BETWEEN 1 AND 100", name=op.f("ck_review_criterion_scale_plausible")),
        sa.CheckConstraint(
            "weight > 0 AND weight <= 1000", name=op.f("ck_review_criterion_weight_plausible")
        ),
        sa.ForeignKeyConstraint(
            ["program_id"], ["program.id"], name=op.f("fk_review_criterion_program_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_criterion")),
        sa.UniqueConstraint(
            "program_id",
            "position",
            deferrable=True,
            initially="DEFERRED",
            name=op.f("uq_review_criterion_program_id_position"),
        ),
    )
    op.create_index(op.f("ix_review_criterion_program_id"), "review_criterion", ["program_id"], unique=False)
    op.create_table(
        "review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "preparing",
                "scoring",
                "discussing",
                "finished",
                "broken_off",
                name="reviewstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "criteria",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "bid_ids",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("panel_size", sa.SmallInteger(), nullable=False),
        sa.Column("min_enterprise", sa.SmallInteger(), nullable=False),
        sa.Column("drops_extremes", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("begun_by_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ranking",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state <> 'finished' OR jsonb_array_length(ranking) > 0",
            name=op.f("ck_review_finished_with_a_ranking"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('scoring', 'discussing') OR due_at IS NOT NULL",
            name=op.f("ck_review_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "jsonb_array_length(criteria) > 0 AND jsonb_array_length(bid_ids) > 0",
            name=op.f("ck_review_is_about_something"),
        ),
        sa.CheckConstraint(
            "panel_size >= 1 AND min_enterprise BETWEEN 0 AND panel_size",
            name=op.f("ck_review_panel_plausible"),
        ),
        sa.ForeignKeyConstraint(
            ["begun_by_id"], ["person.id"], name=op.f("fk_review_begun_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenge.id"], name=op.f("fk_review_challenge_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_index(op.f("ix_review_begun_by_id"), "review", ["begun_by_id"], unique=False)
    op.create_index(op.f("ix_review_challenge_id"), "review", ["challenge_id"], unique=False)
    op.create_index(
        "uq_review_live",
        "review",
        ["challenge_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('preparing', 'scoring', 'discussing')"),
    )
    op.create_table(
        "panel_seat",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "asked",
                "declared",
                "handed_in",
                "excluded",
                "excused",
                name="seatstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_enterprise", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "conflicting_bids",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state <> 'handed_in' OR handed_in_at IS NOT NULL",
            name=op.f("ck_panel_seat_handed_in_at_some_time"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('declared', 'handed_in') OR declared_at IS NOT NULL",
            name=op.f("ck_panel_seat_declared_at_some_time"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('excluded', 'excused') OR note <> ''", name=op.f("ck_panel_seat_left_for_a_reason")
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["expert.id"], name=op.f("fk_panel_seat_expert_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["review.id"], name=op.f("fk_panel_seat_review_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_seat")),
        sa.UniqueConstraint("review_id", "expert_id", name=op.f("uq_panel_seat_review_id_expert_id")),
    )
    op.create_index(op.f("ix_panel_seat_expert_id"), "panel_seat", ["expert_id"], unique=False)
    op.create_index(op.f("ix_panel_seat_review_id"), "panel_seat", ["review_id"], unique=False)
    op.create_table(
        "score",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seat_id", sa.Uuid(), nullable=False),
        sa.Column("bid_id", sa.Uuid(), nullable=False),
        sa.Column("criterion", sa.SmallInteger(), nullable=False),
        sa.Column("points", sa.Numeric(precision=4, scale=1), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "points >= 0 AND points <= 100 AND points * 2 = trunc(points * 2)",
            name=op.f("ck_score_in_halves"),
        ),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name=op.f("fk_score_bid_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["seat_id"], ["panel_seat.id"], name=op.f("fk_score_seat_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score")),
        sa.UniqueConstraint("seat_id", "bid_id", "criterion", name=op.f("uq_score_seat_id_bid_id_criterion")),
    )
    op.create_index(op.f("ix_score_bid_id"), "score", ["bid_id"], unique=False)
    op.create_index(op.f("ix_score_seat_id"), "score", ["seat_id"], unique=False)
    op.create_table(
        "score_revision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seat_id", sa.Uuid(), nullable=False),
        sa.Column("bid_id", sa.Uuid(), nullable=False),
        sa.Column("criterion", sa.SmallInteger(), nullable=False),
        sa.Column("before", sa.Numeric(precision=4, scale=1), nullable=False),
        sa.Column("after", sa.Numeric(precision=4, scale=1), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_score_revision_has_a_reason")),
        sa.ForeignKeyConstraint(
            ["bid_id"], ["bid.id"], name=op.f("fk_score_revision_bid_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["seat_id"], ["panel_seat.id"], name=op.f("fk_score_revision_seat_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_revision")),
    )
    op.create_index(op.f("ix_score_revision_bid_id"), "score_revision", ["bid_id"], unique=False)
    op.create_index(op.f("ix_score_revision_seat_id"), "score_revision", ["seat_id"], unique=False)
    op.create_table(
        "review_remark",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("bid_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("text <> ''", name=op.f("ck_review_remark_says_something")),
        sa.ForeignKeyConstraint(
            ["bid_id"], ["bid.id"], name=op.f("fk_review_remark_bid_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_review_remark_person_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["review.id"], name=op.f("fk_review_remark_review_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_remark")),
    )
    op.create_index(op.f("ix_review_remark_bid_id"), "review_remark", ["bid_id"], unique=False)
    op.create_index(op.f("ix_review_remark_person_id"), "review_remark", ["person_id"], unique=False)
    op.create_index(op.f("ix_review_remark_review_id"), "review_remark", ["review_id"], unique=False)
    op.execute(GUARDS)


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    for name in ("guard_score()", "guard_review()", "guard_panel_seat()"):
        op.execute(f"DROP FUNCTION {name}")
