"""A day of publication for challenges, and an accelerated clock for programs.

Safe while the version before is still running: it neither reads nor writes the new columns, and they have defaults.
"""

import sqlalchemy as sa
from alembic import op

revision = "publication_and_clock"
down_revision = "allocations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("challenge", sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_challenge_publish_at",
        "challenge",
        ["publish_at"],
        unique=False,
        postgresql_where=sa.text("publish_at IS NOT NULL"),
    )
    op.add_column("program", sa.Column("clock_factor", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint(
        op.f("ck_program_clock_factor_plausible"), "program", "clock_factor BETWEEN 1 AND 86400"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_program_clock_factor_plausible"), "program", type_="check")
    op.drop_column("program", "clock_factor")
    op.drop_index("ix_challenge_publish_at", table_name="challenge")
    op.drop_column("challenge", "publish_at")
