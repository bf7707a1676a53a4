"""Documents set as PDF with Typst, in a Chinese typeface that comes with the build (hatch_build.py).

The same template and data give the same bytes, so that a document can be named by its SHA-256.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import typst

FONTS_DIR = Path(__file__).parent / "fonts"
FAMILY = "Noto Sans S Chinese"


@cache
def _fonts() -> typst.Fonts:
    # Without the fonts of the machine: a document looks alike wherever it is made.
    return typst.Fonts(include_system_fonts=False, font_paths=[FONTS_DIR])


def set_document(template: Path, data: Any) -> bytes:
    """The PDF of a Typst template that reads `data` as JSON from `sys.inputs.document`. Blocks: call it in a thread.

    Data are never read as markup.
    """
    return typst.compile(
        template.read_bytes(),
        font_paths=_fonts(),
        sys_inputs={"document": json.dumps(data, ensure_ascii=False), "typeface": FAMILY},
        timestamp=0,
    )
