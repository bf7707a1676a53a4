"""Every kind that the product declares can be shown with its example, in both languages."""

import re
import uuid

import pytest

import web.controllers  # noqa: F401 -- with the controllers every kind is declared
from core.i18n import LOCALES, use_locale
from core.notifications.kinds import Kind, all_kinds, link_of, subject_of, text_of


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_a_kind_is_shown_with_its_example(kind: Kind) -> None:
    for locale in LOCALES:
        with use_locale(locale):
            for text in (subject_of(kind, kind.example), text_of(kind, kind.example), str(kind.label)):
                assert text
                assert "%(" not in text
                if locale == "zh_CN":
                    assert re.search(r"[一-鿿]", text)
    assert link_of(kind, uuid.uuid4(), kind.example).startswith("/")
