"""Where the files of exports lie: named after their row, never after what somebody typed."""

import uuid
from pathlib import Path

from challenges.exports.models import ExportKind
from core.settings import Settings

SUFFIXES = {ExportKind.WORKBOOK: "xlsx", ExportKind.ARCHIVE: "zip"}


def path_of(settings: Settings, run_id: uuid.UUID, kind: ExportKind) -> Path:
    return settings.data_dir / "exports" / f"{run_id}.{SUFFIXES[kind]}"
