"""Contracts of awarded teams, their versions, and the parties' signatures.

Adds tables alone: the version before is not concerned.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "contracts"
down_revision = "teams"
branch_labels = None
depends_on = None

GUARDS = """
CREATE FUNCTION guard_contract_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'versions of a contract stay' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.contract_id, NEW.number, NEW.reason) IS DISTINCT FROM
            (OLD.contract_id, OLD.number, OLD.reason)
       OR TG_OP = 'UPDATE' AND OLD.state <> 'draft'
          AND (NEW.content, NEW.document_id, NEW.sha256, NEW.offered_at) IS DISTINCT FROM
              (OLD.content, OLD.document_id, OLD.sha256, OLD.offered_at) THEN
        RAISE EXCEPTION 'a contract that was offered cannot be changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'signed' AND (TG_OP = 'INSERT' OR OLD.state <> 'signed') AND EXISTS (
            SELECT 1 FROM (
                SELECT h.organization_id FROM contract c JOIN challenge h ON h.id = c.challenge_id
                WHERE c.id = NEW.contract_id
                UNION ALL
                SELECT m.organization_id FROM contract c JOIN consortium_member m ON m.consortium_id = c.consortium_id
                WHERE c.id = NEW.contract_id AND NOT EXISTS (
                    SELECT 1 FROM member_departure d
                    WHERE d.consortium_id = m.consortium_id AND d.organization_id = m.organization_id)) party
            WHERE NOT EXISTS (
                SELECT 1 FROM contract_signature s WHERE s.version_id = NEW.id AND NOT s.is_void
                AND s.organization_id = party.organization_id AND s.sha256 = NEW.sha256)) THEN
        RAISE EXCEPTION 'a party has not signed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_contract_version_signed_by_all';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_version_guard BEFORE INSERT OR UPDATE OR DELETE ON contract_version
    FOR EACH ROW EXECUTE FUNCTION guard_contract_version();
CREATE TRIGGER contract_version_no_truncate BEFORE TRUNCATE ON contract_version
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_contract_signature() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- Locked, so that a request for changes under way ends before this signature is judged.
        PERFORM 1 FROM contract_version v WHERE v.id = NEW.version_id FOR SHARE;
        IF NOT EXISTS (SELECT 1 FROM contract_version v
                       WHERE v.id = NEW.version_id AND v.state = 'offered' AND v.sha256 = NEW.sha256) THEN
            RAISE EXCEPTION 'this is not the version that is offered'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_contract_signature_of_what_is_offered';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.is_void
       OR (NEW.id, NEW.version_id, NEW.organization_id, NEW.role, NEW.sha256, NEW.copy_id, NEW.person_id, NEW.signed_at)
          IS DISTINCT FROM
          (OLD.id, OLD.version_id, OLD.organization_id, OLD.role, OLD.sha256, OLD.copy_id, OLD.person_id, OLD.signed_at)
    THEN
        RAISE EXCEPTION 'signatures stay; they only become void' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_signature_guard BEFORE INSERT OR UPDATE OR DELETE ON contract_signature
    FOR EACH ROW EXECUTE FUNCTION guard_contract_signature();
CREATE TRIGGER contract_signature_no_truncate BEFORE TRUNCATE ON contract_signature
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_contract_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'signed' AND (TG_OP = 'INSERT' OR OLD.state <> 'signed') AND NOT EXISTS (
            SELECT 1 FROM contract_version v WHERE v.contract_id = NEW.id AND v.state = 'signed') THEN
        RAISE EXCEPTION 'no version is signed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_contract_has_a_signed_version';
    END IF;
    IF NEW.state = 'eliminated' AND (TG_OP = 'INSERT' OR OLD.state <> 'eliminated') THEN
        -- Two eliminations at once would each see the other's team as the one that stays.
        PERFORM 1 FROM challenge h WHERE h.id = NEW.challenge_id FOR UPDATE;
        IF NOT EXISTS (SELECT 1 FROM contract c WHERE c.challenge_id = NEW.challenge_id AND c.id <> NEW.id
                       AND c.state IN ('signed', 'completed')) THEN
            RAISE EXCEPTION 'at least one team stays'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_contract_one_team_stays';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_state_guard BEFORE INSERT OR UPDATE OF state ON contract
    FOR EACH ROW EXECUTE FUNCTION guard_contract_state();

ALTER TABLE contract_version ENABLE ALWAYS TRIGGER contract_version_guard;
ALTER TABLE contract_version ENABLE ALWAYS TRIGGER contract_version_no_truncate;
ALTER TABLE contract_signature ENABLE ALWAYS TRIGGER contract_signature_guard;
ALTER TABLE contract_signature ENABLE ALWAYS TRIGGER contract_signature_no_truncate;
ALTER TABLE contract ENABLE ALWAYS TRIGGER contract_state_guard;
"""


def upgrade() -> None:
    op.create_table(
        "contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("consortium_id", sa.Uuid(), nullable=False),
        sa.Column("team_number", sa.SmallInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "offered",
                "signed",
                "completed",
                "failed",
                "terminated",
                "eliminated",
                name="contractstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("state_note", sa.Text(), server_default="", nullable=False),
        sa.Column("sign_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("overdue_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('signed', 'completed', 'failed', 'eliminated') OR signed_at IS NOT NULL",
            name=op.f("ck_contract_signed_has_a_time"),
        ),
        sa.CheckConstraint("team_number >= 1", name=op.f("ck_contract_team_number_counts")),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenge.id"], name=op.f("fk_contract_challenge_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["consortium_id"], ["consortium.id"], name=op.f("fk_contract_consortium_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("challenge_id", "team_number", name=op.f("uq_contract_challenge_id_team_number")),
    )
    op.create_index(op.f("ix_contract_challenge_id"), "contract", ["challenge_id"], unique=False)
    op.create_index(op.f("ix_contract_consortium_id"), "contract", ["consortium_id"], unique=True)
    op.create_table(
        "contract_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "offered",
                "signed",
                "replaced",
                "given_up",
                name="versionstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("state_note", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "content",
            postgresql.JSONB(astext_type=Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "number = 1 OR reason <> ''", name=op.f("ck_contract_version_amendment_has_a_reason")
        ),
        sa.CheckConstraint(
            "state NOT IN ('offered', 'signed', 'replaced') OR (sha256 <> '' AND document_id IS NOT NULL AND offered_at IS NOT NULL)",
            name=op.f("ck_contract_version_offered_has_a_document"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contract.id"],
            name=op.f("fk_contract_version_contract_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["attachment.id"],
            name=op.f("fk_contract_version_document_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_version")),
        sa.UniqueConstraint("contract_id", "number", name=op.f("uq_contract_version_contract_id_number")),
    )
    op.create_index(
        op.f("ix_contract_version_contract_id"), "contract_version", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_contract_version_document_id"), "contract_version", ["document_id"], unique=False
    )
    op.create_index(
        "uq_contract_version_open",
        "contract_version",
        ["contract_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'offered')"),
    )
    op.create_table(
        "contract_signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "poster",
                "lead",
                "member",
                name="partyrole",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_void", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["attachment.id"], name=op.f("fk_contract_signature_copy_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_contract_signature_organization_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_contract_signature_person_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["contract_version.id"],
            name=op.f("fk_contract_signature_version_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_signature")),
    )
    op.create_index(op.f("ix_contract_signature_copy_id"), "contract_signature", ["copy_id"], unique=False)
    op.create_index(
        op.f("ix_contract_signature_organization_id"), "contract_signature", ["organization_id"], unique=False
    )
    op.create_index(
        op.f("ix_contract_signature_person_id"), "contract_signature", ["person_id"], unique=False
    )
    op.create_index(
        op.f("ix_contract_signature_version_id"), "contract_signature", ["version_id"], unique=False
    )
    op.create_index(
        "uq_contract_signature_valid",
        "contract_signature",
        ["version_id", "organization_id"],
        unique=True,
        postgresql_where=sa.text("NOT is_void"),
    )
    op.execute(GUARDS)


def downgrade() -> None:
    op.drop_table("contract_signature")
    op.drop_table("contract_version")
    op.drop_table("contract")
    op.execute("DROP FUNCTION guard_contract_version, guard_contract_signature, guard_contract_state")
