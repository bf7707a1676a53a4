"""Runs of the allocation of a whole program."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "allocations"
down_revision = "notifications"
branch_labels = None
depends_on = None

_OBJECT = sa.text("'{}'::jsonb")


def upgrade() -> None:
    op.create_table(
        "allocation_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "done",
                "failed",
                name="allocationstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("progress", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("question", postgresql.JSONB(), server_default=_OBJECT, nullable=False),
        sa.Column("inputs", postgresql.JSONB(), server_default=_OBJECT, nullable=False),
        sa.Column("result", postgresql.JSONB(), server_default=_OBJECT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asked_by_id"],
            ["person.id"],
            name=op.f("fk_allocation_run_asked_by_id_person"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["program.id"],
            name=op.f("fk_allocation_run_program_id_program"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_run")),
    )
    op.create_index(op.f("ix_allocation_run_asked_by_id"), "allocation_run", ["asked_by_id"])
    op.create_index("ix_allocation_run_program_id_created_at", "allocation_run", ["program_id", "created_at"])


def downgrade() -> None:
    op.drop_table("allocation_run")
