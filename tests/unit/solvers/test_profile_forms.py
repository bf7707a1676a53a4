from litestar.datastructures import FormMultiDict

from solvers.profiles.forms import EvidenceForm, ProfileForm, split_keywords
from web.requests import FormData

KINDS = [("patent", "Patent"), ("paper", "Paper")]


def test_keywords_are_split_at_what_keyboards_offer_and_kept_whole_at_blanks() -> None:
    assert split_keywords("热障涂层、machine vision，CFD,CFD;\n ； 5G") == [
        "热障涂层",
        "machine vision",
        "CFD",
        "5G",
    ]
    assert split_keywords(" 、, ") == []


def test_a_profile_form_turns_into_what_the_use_case_takes() -> None:
    form = ProfileForm(
        FormData(
            FormMultiDict(
                [
                    ("summary", "涂层"),
                    ("keywords", "甲、乙"),
                    ("subfield_codes", "0401"),
                    ("subfield_codes", "0402"),
                    ("visibility", "matcher"),
                ]
            )
        )
    )
    assert form.validate()
    data = form.profile_data()
    assert (data.summary, data.keywords, data.subfield_codes) == ("涂层", ["甲", "乙"], ["0401", "0402"])
    assert data.visibility.value == "matcher"


def test_an_unknown_field_or_visibility_is_refused() -> None:
    for fields in ([("subfield_codes", "9999"), ("visibility", "public")], [("visibility", "everyone")]):
        assert not ProfileForm(FormData(FormMultiDict(fields))).validate()


def test_two_open_evidence_forms_share_no_element_id() -> None:
    first, second = EvidenceForm(kinds=KINDS), EvidenceForm(kinds=KINDS)
    assert not {field.id for field in first} & {field.id for field in second}
    assert all(field.id == field.label.field_id for field in first)
