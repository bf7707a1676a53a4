"""Database migrations, run by `jiebang migrate` and by `jiebang demo`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, create_engine, text

from core.database import sqlalchemy_url

# Two processes that start at once must not migrate at once. ASCII codes of "migr".
MIGRATION_LOCK = 0x6D696772


def configuration(connection: Connection | None = None, metadata: MetaData | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


def migrate(database_url: str) -> None:
    """Bring the database to the newest version."""
    engine = create_engine(sqlalchemy_url(database_url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()
