"""What programs set for questions, formal check, review, award and contract."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "program_periods"
down_revision = "rechecks"
branch_labels = None
depends_on = None

NUMBERS = {
    "question_days": 5,
    "completion_days": 5,
    "panel_size": 5,
    "review_days": 15,
    "max_winners": 1,
    "answer_days": 10,
    "contract_days": 30,
}
LISTS = ("checklist", "statements")


def upgrade() -> None:
    for name, default in NUMBERS.items():
        op.add_column(
            "program", sa.Column(name, sa.SmallInteger(), server_default=str(default), nullable=False)
        )
    for name in LISTS:
        op.add_column(
            "program",
            sa.Column(name, postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        )
    op.add_column("program", sa.Column("max_file_mb", sa.SmallInteger(), nullable=True))
    op.add_column(
        "program", sa.Column("needs_review", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "program",
        sa.Column(
            "min_enterprise_expert_share",
            sa.Numeric(precision=5, scale=4),
            server_default="0",
            nullable=False,
        ),
    )
    op.create_check_constraint(
        op.f("ck_program_expert_share_between_0_and_1"),
        "program",
        "min_enterprise_expert_share BETWEEN 0 AND 1",
    )
    op.create_check_constraint(
        op.f("ck_program_heads_plausible"),
        "program",
        "panel_size BETWEEN 1 AND 25 AND max_winners BETWEEN 1 AND 3",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_program_heads_plausible"), "program")
    op.drop_constraint(op.f("ck_program_expert_share_between_0_and_1"), "program")
    for name in (*NUMBERS, *LISTS, "max_file_mb", "needs_review", "min_enterprise_expert_share"):
        op.drop_column("program", name)
