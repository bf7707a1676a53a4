import psycopg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Table, create_engine

import challenges.models  # noqa: F401
import core.accounts.models
import core.attachments
import core.audit
import core.jobs
import core.mail
import core.notifications.models
import core.revisions  # noqa: F401 -- models are compared once they are imported
import solvers.models  # noqa: F401
from core.database import Base, sqlalchemy_url
from core.migrations import migrate
from core.settings import Settings


def differences(settings: Settings) -> list[object]:
    engine = create_engine(sqlalchemy_url(str(settings.database_url)))
    with engine.connect() as connection:
        found = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
        )
    engine.dispose()
    return found


def test_models_and_migrations_agree(settings: Settings) -> None:
    assert differences(settings) == []


def test_a_column_that_no_migration_knows_would_be_noticed(settings: Settings) -> None:
    with psycopg.connect(str(settings.database_url)) as connection:
        connection.execute("ALTER TABLE person DROP COLUMN phone")
    assert differences(settings)


def test_every_table_of_the_models_is_compared() -> None:
    assert {
        "audit_entry",
        "job_outbox",
        "mail_message",
        "attachment",
        "person",
        "organization",
        "challenge",
    } <= {table.name for table in Base.metadata.tables.values() if isinstance(table, Table)}


def test_migrating_twice_changes_nothing(settings: Settings) -> None:
    migrate(str(settings.database_url))
    with psycopg.connect(str(settings.database_url)) as connection:
        (versions,) = connection.execute("SELECT count(*) FROM alembic_version").fetchone() or (0,)
    assert versions == 1
