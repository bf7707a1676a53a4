"""How often a mail was tried, and what was given up."""

import sqlalchemy as sa
from alembic import op

revision = "mail_given_up"
down_revision = "publication_and_clock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "mail_message", sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False)
    )
    op.add_column("mail_message", sa.Column("handing_over_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mail_message", sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_mail_message_given_up_at"), "mail_message", ["given_up_at"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("what was given up would be tried again")
