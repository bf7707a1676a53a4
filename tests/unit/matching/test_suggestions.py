from hypothesis import given, settings
from hypothesis import strategies as st

from matching.suggestions import CHARACTERS_PER_ERROR, edit_distance, suggest

WORDS = ["碳化硅", "碳化", "氮化硅", "功率", "器件", "涂层", "热障", "ti-6al-4v", "tensorflow", "铸造"]
VOCABULARY = {word: number for number, word in enumerate(WORDS)}
FREQUENCIES = list(range(len(WORDS), 0, -1))
EXACT = settings(max_examples=300, deadline=None, derandomize=True, database=None)


def instead(text: str, **options: object) -> list[tuple[str, tuple[str, ...]]]:
    return [(item.word, item.instead) for item in suggest(text, VOCABULARY, FREQUENCIES, **options)]  # type: ignore[arg-type]


def test_a_mistyped_word_finds_the_word_that_was_meant() -> None:
    assert instead("碳化鬼") == [("碳化鬼", ("碳化硅", "碳化"))]
    assert instead("tensrflow 涂层") == [("tensrflow", ("tensorflow",))]


def test_the_text_is_mended_where_the_word_stands() -> None:
    assert suggest("功率 tensorlfow 器件", VOCABULARY, FREQUENCIES)[0].text == "功率 tensorflow 器件"


def test_words_that_occur_are_left_alone() -> None:
    assert instead("碳化硅 涂层") == []


def test_a_word_that_the_reader_may_find_elsewhere_is_left_alone() -> None:
    assert instead("tensrflow", known={"tensrflow"}) == []


def test_nothing_is_suggested_that_is_not_in_the_vocabulary() -> None:
    assert instead("量子纠缠") == []
    assert suggest("碳化鬼", {}, []) == []


def naive(left: str, right: str) -> int:
    if not left or not right:
        return len(left) + len(right)
    best = min(
        naive(left[:-1], right) + 1,
        naive(left, right[:-1]) + 1,
        naive(left[:-1], right[:-1]) + (left[-1] != right[-1]),
    )
    if len(left) > 1 and len(right) > 1 and left[-1] == right[-2] and left[-2] == right[-1]:
        best = min(best, naive(left[:-2], right[:-2]) + 1)
    return best


@EXACT
@given(st.text("abc", max_size=5), st.text("abc", max_size=5), st.integers(0, 5))
def test_the_distance_is_that_of_the_definition(left: str, right: str, most: int) -> None:
    assert edit_distance(left, right, most) == min(naive(left, right), most + 1)


@EXACT
@given(
    st.text("abcd", min_size=1, max_size=8),
    st.dictionaries(st.text("abcd", min_size=1, max_size=8), st.integers(1, 9), max_size=12),
)
def test_suggestions_are_the_nearest_words_of_the_vocabulary(word: str, frequency: dict[str, int]) -> None:
    vocabulary = {term: number for number, term in enumerate(frequency)}
    found = suggest(word, vocabulary, list(frequency.values()))
    if word in vocabulary:
        assert found == []
        return
    allowed = len(word) // CHARACTERS_PER_ERROR or (1 if len(word) == 2 else 0)
    near = [term for term in frequency if len(term) > 1 and naive(word, term) <= allowed]
    given_words = found[0].instead if found else ()
    assert set(given_words) <= set(near)
    # A word of one Latin letter or a stop word is none; every other near one is given, as long as there is room.
    distances = [naive(word, term) for term in given_words]
    assert distances == sorted(distances)
    assert len(given_words) <= 3
    assert bool(given_words) or not [term for term in near if set(term) & set(word)] or len(word) < 2
