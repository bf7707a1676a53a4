import pytest

from core.errors import InvalidError
from core.i18n import use_locale
from solvers.fields import FIELDS, field_of, is_subfield, subfield_choices, subfield_name
from solvers.industries import industry_name, normalize_code, search_industries
from solvers.regions import PROVINCES, city_name, find_region, is_region, region_choices, region_name


def test_fields_and_subfields_have_names_in_both_languages() -> None:
    assert len(FIELDS) == 8
    assert sum(len(field.subfields) for field in FIELDS) == 52
    assert subfield_name("0401") == "金属材料"
    with use_locale("en"):
        assert subfield_name("0401") == "Metals"
    assert all(item.en.isascii() and item.zh for field in FIELDS for item in field.subfields)


def test_a_subfield_knows_its_field_and_an_unknown_one_has_none() -> None:
    field = field_of("0401")
    assert field is not None
    assert field.zh == "新材料"
    assert field_of("9901") is None
    assert is_subfield("0401")
    assert not is_subfield("04")
    assert subfield_name("9901") == "9901"
    assert next(code for code, _name in subfield_choices()[0][1]) == "0101"


def test_regions_are_named_by_province_and_city_and_a_municipality_only_once() -> None:
    assert len(PROVINCES) == 31
    assert region_name("3301") == "浙江省杭州市"
    assert region_name("1101") == "北京市"
    assert region_name("33") == "浙江省"
    assert city_name("3301") == "杭州市"
    with use_locale("en"):
        assert region_name("3301") == "Hangzhou, Zhejiang"
    assert dict(region_choices())["北京市"] == [("1101", "北京市")]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("3301", "3301"),
        ("330106", "3301"),
        ("杭州", "3301"),
        ("浙江省 杭州市", "3301"),
        ("北京市", "1101"),
        ("北京", "1101"),
        ("浙江", "33"),
        ("吉林", "22"),
        ("吉林市", "2202"),
    ],
)
def test_a_region_is_found_by_code_or_name(typed: str, code: str) -> None:
    assert find_region(typed) == code
    assert is_region(code)


@pytest.mark.parametrize("typed", ["", "9999", "33010", "市辖区", "县", "亚特兰蒂斯"])
def test_what_is_no_region_is_not_found(typed: str) -> None:
    assert find_region(typed) is None


def test_industries_are_found_by_code_with_or_without_letter_and_by_name() -> None:
    assert search_industries("C3562")[0].code == "C3562"
    assert search_industries("3562")[0].code == "C3562"
    assert search_industries("半导体器件 专用")[0].name == "半导体器件专用设备制造"
    assert search_industries("稻谷种植")[0].code == "A0111"
    assert search_industries("") == []
    assert search_industries("不存在的行业") == []
    assert len(search_industries("制造", limit=7)) == 7


def test_an_industry_code_is_normalized_and_a_wrong_letter_refused() -> None:
    assert normalize_code(" c3562") == "C3562"
    assert industry_name("C3562") == "半导体器件专用设备制造"
    with pytest.raises(InvalidError):
        normalize_code("D3562")
