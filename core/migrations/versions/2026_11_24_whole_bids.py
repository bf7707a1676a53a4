"""Bids with amounts by year, dated steps, people and accepted statements; one live bid per organization and challenge.

Safe while the version before is still running: what it writes has no such lists and is content of version 1, which
keeps its own way of being hashed. Bids sealed or opened before stay as they are.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "whole_bids"
down_revision = "dropped_consortia"
branch_labels = None
depends_on = None

TEXTS = "technical_plan || team || ability || timeline || contact_name || contact_phone || nonce = ''"

GUARDS = """
CREATE OR REPLACE FUNCTION guard_sealed_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.role_text <> '' OR NEW.requirement_ids || NEW.years <> '[]'::jsonb OR NEW.budget_wan <> 0)
            AND EXISTS (SELECT 1 FROM bid b WHERE b.id = NEW.bid_id AND b.sealed_content IS NOT NULL) THEN
        RAISE EXCEPTION 'the part of a sealed bid tells nothing'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_bid_member_sealed_tells_nothing';
    END IF;
    RETURN NEW;
END $$;

-- The lock makes two confirmations of one organization wait for each other; the look behind it sees what the other did.
CREATE FUNCTION guard_one_bid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid;
BEGIN
    IF NEW.state <> 'confirmed' THEN
        RETURN NEW;
    END IF;
    SELECT b.challenge_id INTO wanted FROM bid b WHERE b.id = NEW.bid_id AND b.state <> 'withdrawn';
    IF wanted IS NULL THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('one bid ' || wanted || ' ' || NEW.organization_id, 0));
    IF EXISTS (SELECT 1 FROM bid_member m JOIN bid b ON b.id = m.bid_id
               WHERE b.challenge_id = wanted AND b.state <> 'withdrawn' AND b.id <> NEW.bid_id
               AND m.organization_id = NEW.organization_id AND m.state = 'confirmed') THEN
        RAISE EXCEPTION 'an organization takes part in one bid of a challenge'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'uq_bid_member_one_bid';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bid_member_one_bid BEFORE INSERT OR UPDATE OF state, organization_id, bid_id ON bid_member
    FOR EACH ROW EXECUTE FUNCTION guard_one_bid();
"""


def _list(name: str) -> sa.Column:
    return sa.Column(
        name,
        postgresql.JSONB(astext_type=sa.Text()),
        server_default=sa.text("'[]'::jsonb"),
        nullable=False,
    )


def upgrade() -> None:
    for name in ("steps", "people", "statements"):
        op.add_column("bid", _list(name))
    op.add_column("bid", sa.Column("content_version", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column("bid_member", _list("years"))
    op.drop_constraint(op.f("ck_bid_sealed_tells_nothing"), "bid", type_="check")
    op.create_check_constraint(
        op.f("ck_bid_sealed_tells_nothing"),
        "bid",
        f"sealed_content IS NULL OR {TEXTS} AND steps || people || statements = '[]'::jsonb",
    )
    op.execute(GUARDS)
