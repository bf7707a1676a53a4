import uuid
from decimal import Decimal

import pytest

from challenges.postings.forms import ChallengeForm, FieldValues, TypedRequirement, typed_draft
from challenges.postings.service import arrange


def form_of(**values: str) -> ChallengeForm:
    form = ChallengeForm()
    for field in (form.round_id, form.subfield_code, form.need_source, form.cooperation):
        field.choices = [("", "–")]
    form.allowed_certificates.choices = []
    form.process(FieldValues({name: [value] for name, value in values.items()}))
    form.validate()
    return form


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1200", Decimal(1200)),
        ("1,200.5", Decimal("1200.5")),
        ("1，200", Decimal(1200)),
        (" 12 ", Decimal(12)),
        ("１２００", Decimal(1200)),
        ("", None),
    ],
)
def test_amounts_are_read_as_people_write_them(typed: str, amount: Decimal | None) -> None:
    draft = typed_draft(form_of(reward_wan=typed))
    assert draft.values["reward_wan"] == amount
    assert draft.unparsed == {}


@pytest.mark.parametrize("typed", ["abc", "1.234", "-1", "NaN", "Infinity", "1e9", "一百"])
def test_what_is_no_amount_is_kept_as_text_with_one_message(typed: str) -> None:
    form = form_of(reward_wan=typed)
    draft = typed_draft(form)
    assert draft.values["reward_wan"] is None
    assert draft.unparsed == {"reward_wan": typed}
    assert len(form.reward_wan.errors) == 1


def test_a_choice_that_does_not_exist_is_no_value() -> None:
    draft = typed_draft(form_of(cooperation="x"))
    assert draft.values["cooperation"] is None
    assert draft.unparsed == {"cooperation": "x"}


def test_years_without_a_clock_in_shanghai_are_refused() -> None:
    draft = typed_draft(form_of(deadline_at="0001-01-01T00:00"))
    assert draft.values["deadline_at"] is None
    assert draft.unparsed == {"deadline_at": "0001-01-01T00:00"}


def test_sums_leave_out_what_cannot_be_read() -> None:
    form = form_of(
        **{
            "requirements-0-weight": "33.34",
            "requirements-1-weight": "66.66",
            "requirements-2-weight": "zehn",
            "requirements-2-budget_wan": "10",
        }
    )
    assert form.weight_sum == Decimal(100)
    assert form.budget_sum == Decimal(10)


def test_texts_longer_than_their_column_are_kept_beside_it() -> None:
    draft = typed_draft(form_of(title="长" * 201))
    assert draft.values["title"] == ""
    assert draft.unparsed["title"] == "长" * 201


ROWS = [TypedRequirement(id=uuid.uuid4(), values={"text": text}, unparsed={}) for text in "abc"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("remove:1", "ac"),
        ("up:2", "acb"),
        ("down:0", "bac"),
        ("up:0", "abc"),
        ("down:2", "abc"),
        ("remove:3", "abc"),
        ("remove:-1", "abc"),
        ("remove:x", "abc"),
        ("explode:1", "abc"),
        ("", "abc"),
    ],
)
def test_rows_are_arranged_and_nonsense_changes_nothing(command: str, expected: str) -> None:
    assert "".join(row.values["text"] for row in arrange(ROWS, command)) == expected


def test_a_new_row_stands_at_the_end_and_there_is_a_limit() -> None:
    rows = arrange(ROWS, "add")
    assert [row.values.get("text") for row in rows] == ["a", "b", "c", None]
    for _ in range(100):
        rows = arrange(rows, "add")
    assert len(rows) == 30
