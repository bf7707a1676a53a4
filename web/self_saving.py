"""Drafts that save themselves while they are typed: what their form sends, and what it is told of its last save."""

from dataclasses import dataclass

from litestar.response import Template

from core.errors import StaleError
from web.dependencies import WebRequest
from web.requests import FormData, moment_of
from web.templating import render


@dataclass(frozen=True)
class Draft:
    """`address` shows the saved version; `button` is the text of the one that lets the writer decide."""

    address: str
    button: str
    revision: int


def revision_of(data: FormData) -> int:
    """The revision that the form was opened with, or the one that its writer decided to overwrite."""
    for name in ("overwrite", "revision"):
        raw = data.get(name)
        if raw.isascii() and raw.isdigit() and len(raw) < 10:
            return int(raw)
    return 0


def answer_saved(request: WebRequest, draft: Draft) -> Template:
    return render(
        request,
        "drafts/_saved.html",
        headers={"HX-Trigger": "draft-saved"},
        draft=draft,
        saved_at=moment_of(request),
        stale=None,
        swap_revision=True,
        along=False,
    )


def answer_stale(request: WebRequest, draft: Draft, error: StaleError) -> Template:
    """Nothing was saved, and the form keeps its revision: overwriting takes a decision."""
    return render(
        request,
        "drafts/_saved.html",
        status=409,
        headers={"HX-Trigger": "draft-stale"},
        draft=draft,
        saved_at=None,
        stale=error,
        swap_revision=False,
        along=False,
    )
