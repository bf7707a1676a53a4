"""Attachments with a name of their own in the storage, uploads in pieces, and files to be taken away.

Safe while the version before is still running: attachments it writes have no location and stay where it puts them.
"""

import sqlalchemy as sa
from alembic import op

revision = "streamed_attachments"
down_revision = "notices"
branch_labels = None
depends_on = None

GUARDS = """
CREATE FUNCTION note_dropped_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO dropped_file (id, location) VALUES (gen_random_uuid(), OLD.location);
    RETURN OLD;
END $$;
CREATE TRIGGER attachment_dropped AFTER DELETE ON attachment
    FOR EACH ROW WHEN (OLD.location <> '') EXECUTE FUNCTION note_dropped_file();
"""


def upgrade() -> None:
    op.add_column(
        "attachment", sa.Column("location", sa.String(length=100), server_default="", nullable=False)
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("subject_type", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "received_bytes BETWEEN 0 AND size_bytes", name=op.f("ck_upload_received_within_size")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_upload_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    op.create_index(op.f("ix_upload_person_id"), "upload", ["person_id"])
    op.create_index("ix_upload_expires_at", "upload", ["expires_at"])
    op.create_table(
        "dropped_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("location", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dropped_file")),
    )
    op.execute(GUARDS)
