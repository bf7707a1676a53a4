"""Which tokenizer made stored tokens, and to which database a saved index belongs."""

import sqlalchemy as sa
from alembic import op

revision = "stored_tokenizer"
down_revision = "sealed_bids"
branch_labels = None
depends_on = None

# What the version before this one writes tokens with, and goes on writing while it still runs.
TOKENIZER_BEFORE = "jieba-3-a25ab1b610c5af8f"


def upgrade() -> None:
    for table in ("capability_profile", "evidence_item", "challenge"):
        op.add_column(
            table,
            sa.Column("tokenizer", sa.String(length=60), server_default=TOKENIZER_BEFORE, nullable=False),
        )
    op.add_column(
        "collection_revision",
        sa.Column("lineage", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
    )
