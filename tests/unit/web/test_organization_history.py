from core.audit import AuditEntry
from web.organization_history import ACTIONS, action_text, change_lines


def entry(action: str, **changes: object) -> AuditEntry:
    return AuditEntry(action=action, changes=changes)


def test_changes_are_told_in_words_with_what_was_before() -> None:
    lines = change_lines(
        entry(
            "organization.changed",
            size_class=["small", None],
            employees=[50, 400],
            region_code=["3301", "11"],
        )
    )
    assert [text for _name, text in lines] == ["小型 → –", "50 → 400", "浙江省杭州市 → 北京市"]
    assert all("_" not in name for name, _text in lines)


def test_a_value_of_an_older_vocabulary_is_shown_as_it_stands() -> None:
    assert change_lines(entry("organization.changed", kind=["guild", "enterprise"]))[0][1] == "guild → 企业"
    assert action_text(entry("organization.dissolved")) == "organization.dissolved"
    assert change_lines(entry("organization.dissolved", because="x")) == [("because", "x")]


def test_the_texts_of_a_profile_stay_in_the_profile() -> None:
    lines = change_lines(entry("evidence.added", title=[None, "一种芯片"], text=[None, "很长的说明"]))
    assert [text for _name, text in lines] == ["– → 一种芯片"]


def test_every_action_has_words_of_its_own() -> None:
    assert all(
        str(text) and not str(text).startswith(("organization.", "person.")) for text in ACTIONS.values()
    )
