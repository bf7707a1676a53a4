"""A state for consortia whose challenge was withdrawn before they were decided.

Only widens what is allowed, so the version before may still run.
"""

from alembic import op

revision = "dropped_consortia"
down_revision = "formal_checks"
branch_labels = None
depends_on = None

STATES = "'proposed', 'submitted', 'returned', 'approved', 'rejected', 'superseded', 'dropped'"


def upgrade() -> None:
    op.drop_constraint(op.f("consortiumstate"), "consortium", type_="check")
    op.create_check_constraint(op.f("consortiumstate"), "consortium", f"state IN ({STATES})")
    op.drop_constraint(op.f("ck_consortium_submitted_has_a_lead"), "consortium", type_="check")
    op.create_check_constraint(
        op.f("ck_consortium_submitted_has_a_lead"),
        "consortium",
        "state IN ('proposed', 'returned', 'dropped') OR lead_id IS NOT NULL",
    )


def downgrade() -> None:
    raise NotImplementedError("consortia may stand in the new state")
