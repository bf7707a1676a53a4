"""Terms keep what their writers mean, and know where they stand in the text."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.tokenizer import (
    STOP_WORDS,
    Tokenizer,
    default_tokenizer,
    load_jieba,
    load_rjieba,
    normalize,
    spans,
    tokenize,
)

SLOW = Tokenizer(fast=False)
FAST = load_rjieba(())
REFERENCE = load_jieba(())


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("采用Ti-6Al-4V合金", "ti-6al-4v"),
        ("采用5nm工艺", "5nm"),
        ("采用 5 nm 工艺", "5nm"),
        ("按GB/T 4754分类", "gb/t4754"),
        ("按ＧＢ／Ｔ　４７５４分类", "gb/t4754"),
        ("依据GB 32100-2015", "gb32100-2015"),
        ("依据GB/T 4754—2017", "gb/t4754-2017"),
        ("符合ISO/IEC 27001", "iso/iec27001"),
        ("PM2.5浓度", "pm2.5"),
        ("精度±0.01℃", "±0.01°c"),
        ("精度 ±0.01 ℃", "±0.01°c"),
        ("纯度99.99%的", "99.99%"),
        ("浓度35 μg/m³", "35μg/m3"),
        ("调用pg_dump命令", "pg_dump"),
        ("版本0.9.5发布", "0.9.5"),
        ("用C++编写", "c++"),
        ("TGF-β1通路", "tgf-β1"),
        ("6061-T6铝合金", "6061-t6"),
        ("通过ISO 9001:2015认证", "iso9001-2015"),
        ("按HJ 212-2017传输", "hj212-2017"),
        ("按DB33/T 2000-2017建设", "db33/t2000-2017"),
        ("加速度9.8 m/s²", "9.8m/s2"),
        ("电阻率50 kΩ·cm", "50kω·cm"),
    ],
)
def test_a_technical_name_stays_whole(text: str, token: str) -> None:
    assert token in tokenize(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("10-20", ["10", "20"]),
        ("2019-2021", ["2019", "2021"]),
        ("CPU/GPU", ["cpu", "gpu"]),
        ("SiC，AlN", ["sic", "aln"]),
        ("network.The", ["network"]),
    ],
)
def test_what_is_no_name_is_not_joined(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


def test_full_width_and_capital_forms_are_one_term() -> None:
    assert tokenize("ＡＩ芯片") == tokenize("ai芯片") == tokenize("AI芯片")


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("高溫合金葉片的熱障塗層", "高温合金叶片的热障涂层"),
        ("臺灣的半導體製程設備", "台湾的半导体制程设备"),
        ("Ｔｉ-6Al-4V鈦合金乾燥設備", "Ti-6Al-4V钛合金干燥设备"),
    ],
)
def test_traditional_and_simplified_characters_are_one_term(traditional: str, simplified: str) -> None:
    tokenizer = default_tokenizer()
    assert tokenizer.terms(traditional) == tokenizer.terms(simplified)
    assert [traditional[start:end] for start, end, _ in tokenizer.spans(traditional)][-1] in traditional
    assert Tokenizer(dictionary=["熱障塗層"]).tokenize("热障涂层") == ["热障涂层"]


def test_characters_of_both_scripts_keep_their_own_meaning() -> None:
    assert normalize("乾坤") == "乾坤"
    # The simplified form is so rare that neither dictionary nor keyboard has it.
    assert normalize("二噁英") == "二噁英"


def test_a_pair_of_nothing_but_stop_words_is_no_term() -> None:
    terms = default_tokenizer().terms("涂层及其不少的热障")
    assert {"及其", "不少", "少的"}.isdisjoint(terms)
    assert {"层及", "的热", "热障"} <= set(terms)


def test_stop_words_and_punctuation_are_no_terms() -> None:
    assert tokenize("的、了，和。!?（）") == []
    assert "钛" in tokenize("钛的")


def test_stop_words_are_words_of_grammar_and_no_subject() -> None:
    assert STOP_WORDS.isdisjoint({"研究", "技术", "方法", "系统", "材料"})


def test_a_word_of_the_deployments_dictionary_stays_whole() -> None:
    text = "碳化硅外延片翘曲度"
    assert "碳化硅外延片" not in Tokenizer().tokenize(text)
    assert "碳化硅外延片" in Tokenizer(dictionary=["碳化硅外延片"]).tokenize(text)


def test_the_dictionary_of_one_tokenizer_is_not_that_of_another() -> None:
    Tokenizer(dictionary=["碳化硅外延片"]).tokenize("碳化硅外延片")
    assert "碳化硅外延片" not in Tokenizer().tokenize("碳化硅外延片")


def test_the_fingerprint_names_dictionary_and_stop_words() -> None:
    plain = Tokenizer().fingerprint
    assert plain == Tokenizer().fingerprint
    assert plain != Tokenizer(dictionary=["碳化硅外延片"]).fingerprint
    assert plain != Tokenizer(stop_words=()).fingerprint


def test_loading_says_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    program = "from matching.tokenizer import tokenize; print(len(tokenize('高温合金')))"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.strip() != "0", done.stderr) == (True, "")
    assert list(tmp_path.iterdir()) == []


def test_spans_point_into_the_text_as_it_was_given() -> None:
    text = "精度±0.01 ℃，ＧＢ／Ｔ　４７５４"
    assert [text[start:end] for start, end, _ in spans(text)] == ["精度", "±0.01 ℃", "ＧＢ／Ｔ　４７５４"]


TECHNICAL_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("的研究高温合金叶片涂层热障芯片制程abTV0126.-/±℃％　ＡＢ㎡ﬁ①é\u0301ß\n，。_+#"),
        st.characters(exclude_categories=("Cs",)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(TECHNICAL_TEXT)
def test_spans_and_tokenize_agree_and_spans_never_overlap(text: str) -> None:
    found = spans(text)
    assert [token for _, _, token in found] == tokenize(text)
    previous = 0
    for start, end, _ in found:
        assert 0 <= start < end <= len(text)
        previous = end
    assert previous <= len(text)


@settings(max_examples=300, deadline=None)
@given(TECHNICAL_TEXT)
def test_normalizing_twice_changes_nothing_more_than_the_tokens_show(text: str) -> None:
    assert tokenize(normalize(text)) == tokenize(text)


def test_an_index_holds_words_pairs_of_characters_and_the_parts_of_names() -> None:
    terms = default_tokenizer().terms("热障涂层用ROACH2-GPU与GB/T 4754-2017")
    assert {"热障", "障涂", "涂层", "roach2-gpu", "roach2", "gpu", "gb/t4754-2017", "gb/t4754"} <= set(terms)
    assert "层用" in terms
    assert "用r" not in terms


def test_the_parts_of_a_name_are_no_single_letters_and_a_whole_name_is_no_part() -> None:
    assert default_tokenizer().terms("TGF-β1") == ["tgf-β1", "tgf", "β1"]
    assert default_tokenizer().terms("R&D") == ["r&d"]
    assert default_tokenizer().terms("PM2.5") == ["pm2.5"]


@settings(max_examples=200, deadline=None)
@given(TECHNICAL_TEXT)
def test_term_spans_and_terms_agree_and_hold_all_words(text: str) -> None:
    tokenizer = default_tokenizer()
    found = tokenizer.term_spans(text)
    assert Counter(term for _, _, term in found) == Counter(tokenizer.terms(text))
    assert set(tokenizer.spans(text)) <= set(found)
    assert all(0 <= start < end <= len(text) for start, end, _ in found)


MANY_WORDS = [
    "高温合金叶片定向凝固过程中型壳温度场的控制与热障涂层寿命预测",
    "基于深度学习的光伏逆变器并网谐波抑制研究",
    "他说的确实在理结合成分子时常见的离散事件仿真",
    "鬱鬱囍羴猋麤",
]


@pytest.mark.parametrize("dictionary", [(), ("碳化硅外延片", "温度场", "实在理")])
def test_the_fast_cutter_cuts_as_jieba_does(dictionary: tuple[str, ...]) -> None:
    fast, reference = load_rjieba(dictionary), load_jieba(dictionary)
    for text in [*MANY_WORDS, " ".join(MANY_WORDS), "碳化硅外延片翘曲度"]:
        assert fast(text) == reference(text)


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("的一是了不在有研究高温合金叶片"),
            st.characters(min_codepoint=0x4E00, max_codepoint=0x9FD5),
        ),
        max_size=30,
    )
)
def test_the_fast_cutter_cuts_any_characters_as_jieba_does(text: str) -> None:
    assert FAST(text) == REFERENCE(text)


@settings(max_examples=200, deadline=None)
@given(TECHNICAL_TEXT)
def test_a_tokenizer_gives_the_same_with_either_cutter(text: str) -> None:
    assert default_tokenizer().terms(text) == SLOW.terms(text)


def test_characters_that_jieba_does_not_know_are_terms_by_themselves() -> None:
    assert (
        SLOW.tokenize("㐀𠀀龦〇合金")
        == default_tokenizer().tokenize("㐀𠀀龦〇合金")
        == ["㐀", "𠀀", "龦", "〇", "合金"]
    )


def test_a_slow_and_a_fast_tokenizer_may_share_an_index() -> None:
    assert SLOW.fingerprint == default_tokenizer().fingerprint
