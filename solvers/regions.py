"""Regions: provinces and prefecture-level regions with their administrative codes (GB/T 2260)."""

from dataclasses import dataclass

from solvers.tables import in_current_language, read_table

# Entries of the standard that stand for a whole municipality: the province's name says it already.
WHOLE_MUNICIPALITY = "市辖区"


@dataclass(frozen=True)
class Region:
    """A province (two digits) or a prefecture-level region (four digits)."""

    code: str
    zh: str
    en: str

    @property
    def name(self) -> str:
        return in_current_language(self.zh, self.en)


@dataclass(frozen=True)
class Province(Region):
    cities: tuple[Region, ...]


PROVINCES: tuple[Province, ...] = tuple(
    Province(row["code"], row["zh"], row["en"], tuple(Region(**city) for city in row["cities"]))
    for row in read_table("regions.json")
)
_PROVINCES = {province.code: province for province in PROVINCES}
_CITIES = {city.code: city for province in PROVINCES for city in province.cities}
_CODES_BY_NAME = {
    **{province.zh: province.code for province in PROVINCES},
    **{province.zh + city.zh: city.code for province in PROVINCES for city in province.cities},
    # A city's name alone is enough: no two prefecture-level regions of the standard share one, except the
    # entries that carry no name of their own.
    **{
        city.zh: city.code
        for city in _CITIES.values()
        if city.zh[:2] not in {"市辖", "省直", "自治"} and city.zh != "县"
    },
    # A municipality is kept by the code of its districts, like every other city.
    **{
        province.zh: province.cities[0].code
        for province in PROVINCES
        if province.cities[0].zh == WHOLE_MUNICIPALITY
    },
}


def is_region(code: str) -> bool:
    return code in _PROVINCES or code in _CITIES


def region_name(code: str | None) -> str:
    """Province and city in the current language, e.g. 浙江省杭州市, "Hangzhou, Zhejiang"."""
    if not code:
        return "–"
    province, city = _PROVINCES.get(code[:2]), _CITIES.get(code[:4])
    if province is None:
        return code
    if city is None or city.zh == WHOLE_MUNICIPALITY:
        return province.name
    return in_current_language(province.zh + city.zh, f"{city.en}, {province.en}")


def city_name(code: str | None) -> str:
    """The short form for tables: the city, or the province where there is no city."""
    if not code:
        return "–"
    city = _CITIES.get(code[:4])
    return region_name(code) if city is None or city.zh == WHOLE_MUNICIPALITY else city.name


def province_choices() -> list[tuple[str, str]]:
    return [(province.code, province.name) for province in PROVINCES]


def region_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Province and its cities' (code, name) pairs: the groups of a select field."""
    return [
        (
            province.name,
            [
                (city.code, province.name if city.zh == WHOLE_MUNICIPALITY else city.name)
                for city in province.cities
            ],
        )
        for province in PROVINCES
    ]


def find_region(text: str) -> str | None:
    """The code that a typed code (2, 4 or 6 digits) or Chinese name means, or None."""
    text = "".join(text.split())
    if text.isascii() and text.isdigit():
        return (
            next((code for code in (text[:4], text[:2]) if is_region(code)), None)
            if len(text) in {2, 4, 6}
            else None
        )
    return _CODES_BY_NAME.get(text) or _CODES_BY_NAME.get(text + "省") or _CODES_BY_NAME.get(text + "市")
