"""Saved searches, what was told of new challenges, reminders, and exports of rounds.

Challenges that are on the list already count as told of: nobody is told of old ones. Only adds, so the version
before may still run.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "saved_searches"
down_revision = "streamed_attachments"
branch_labels = None
depends_on = None


def _created() -> sa.Column[Any]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("filters", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        _created(),
        sa.CheckConstraint("name <> ''", name=op.f("ck_saved_search_has_a_name")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_saved_search_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
        sa.UniqueConstraint("person_id", "name", name=op.f("uq_saved_search_person_id_name")),
    )
    op.create_table(
        "challenge_announcement",
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenge.id"],
            name=op.f("fk_challenge_announcement_challenge_id_challenge"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_challenge_announcement")),
    )
    op.execute(
        "INSERT INTO challenge_announcement (challenge_id, told_at, people)"
        " SELECT id, now(), 0 FROM challenge WHERE published_at IS NOT NULL"
    )
    op.create_table(
        "reminder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        _created(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("kind", "subject_id", "due_at", name=op.f("uq_reminder_kind_subject_id_due_at")),
    )
    op.create_table(
        "queue_check",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_queue_check_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_queue_check")),
    )
    op.create_index(op.f("ix_queue_check_checked_at"), "queue_check", ["checked_at"])
    op.create_table(
        "export_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "workbook", "archive", name="exportkind", native_enum=False, length=40, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "done",
                "failed",
                "expired",
                name="exportstate",
                native_enum=False,
                length=40,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("progress", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        _created(),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_export_run_progress_in_percent")),
        sa.CheckConstraint(
            "state <> 'done' OR size_bytes IS NOT NULL AND sha256 IS NOT NULL AND expires_at IS NOT NULL",
            name=op.f("ck_export_run_done_has_a_file"),
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.id"], name=op.f("fk_export_run_round_id_round"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"],
            ["person.id"],
            name=op.f("fk_export_run_asked_by_id_person"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_run")),
    )
    op.create_index(op.f("ix_export_run_asked_by_id"), "export_run", ["asked_by_id"])
    op.create_index(op.f("ix_export_run_expires_at"), "export_run", ["expires_at"])
    op.create_index("ix_export_run_round_id_created_at", "export_run", ["round_id", "created_at"])


def downgrade() -> None:
    for table in ("export_run", "queue_check", "reminder", "challenge_announcement", "saved_search"):
        op.drop_table(table)
