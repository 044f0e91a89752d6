"""Texts are cut into terms, sentences and chunks that point back into them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sevenstep.errors import InputError
from sevenstep.tasks.rag.retrieval.chunks import WHOLE, cut, cut_text
from sevenstep.tasks.rag.text.sentences import sentences
from sevenstep.tasks.rag.text.tokens import TOKENIZERS, tokenizer_for, tokenizer_named

ENGLISH = "The pump stops when the pressure falls. It starts again, e.g. after Dr. Kim resets it! Is 3.5 bar enough? Yes."
KOREAN = "펌프는 압력이 떨어지면 멈춘다. 3.5 바가 필요하다! 다시 켜려면 재설정 버튼을 누르는가? 그렇다."
PROSE = st.text(alphabet=st.sampled_from("abc 가나. \n!?-1"), max_size=300)


def test_sentences_end_at_full_stops_but_not_at_abbreviations_initials_or_decimals() -> None:
    found = [ENGLISH[start:end] for start, end in sentences(ENGLISH)]
    assert found == [
        "The pump stops when the pressure falls.", "It starts again, e.g. after Dr. Kim resets it!", "Is 3.5 bar enough?", "Yes.",
    ]  # fmt: skip
    assert [KOREAN[start:end] for start, end in sentences(KOREAN)] == [
        "펌프는 압력이 떨어지면 멈춘다.", "3.5 바가 필요하다!", "다시 켜려면 재설정 버튼을 누르는가?", "그렇다.",
    ]  # fmt: skip


def test_headings_and_list_items_are_sentences_of_their_own() -> None:
    text = "Brakes\n\nCheck them daily\n- left brake\n- right brake"
    assert [text[start:end] for start, end in sentences(text)] == ["Brakes", "Check them daily", "- left brake", "- right brake"]


@given(PROSE)
def test_sentences_are_in_order_never_overlap_and_leave_out_white_space_alone(text: str) -> None:
    found = sentences(text)
    assert all(start < end for start, end in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    assert "".join("".join(text[start:end].split()) for start, end in found) == "".join(text.split())


@given(PROSE, st.integers(10, 80), st.sampled_from([0.0, 0.2, 0.5]))
def test_chunks_hold_all_of_a_text_and_none_is_longer_than_asked_for(text: str, size: int, overlap: float) -> None:
    chunks = cut_text(text, size, overlap)
    assert all(end - start <= size for start, end in chunks) or chunks == [(0, len(text))]
    held = {place for start, end in chunks for place in range(start, end)}
    assert all(place in held or text[place].isspace() for place in range(len(text)))
    assert chunks == sorted(chunks) and len(chunks) == len(set(chunks))


def test_a_document_is_left_whole_where_no_size_is_asked_for_and_an_empty_one_has_a_chunk() -> None:
    assert cut(["one. " * 500, ""], WHOLE, 0.0).rows() == [(0, 0, 2500), (1, 0, 0)]


def test_overlap_repeats_whole_sentences() -> None:
    text = "Aaaa aaaa. Bbbb bbbb. Cccc cccc. Dddd dddd."
    assert [text[start:end] for start, end in cut_text(text, 22, 0.5)] == [
        "Aaaa aaaa. Bbbb bbbb.", "Bbbb bbbb. Cccc cccc.", "Cccc cccc. Dddd dddd."
    ]  # fmt: skip


def test_english_words_lose_endings_and_function_words() -> None:
    assert tokenizer_named("english").tokens(["The pumps were Stopping, and it stopped"]) == [["pump", "stop", "stop"]]


def test_short_parts_of_names_also_count_joined_so_that_names_meet_however_they_are_written() -> None:
    english, grams = tokenizer_named("english"), tokenizer_named("grams")
    hyphened, joined, plain = english.tokens(["IL-2 and T\u2010cells at 40mg", "IL2", "well-known 1990-1995"])
    assert hyphened == ["il", "2", "il2", "cell", "tcell", "40", "mg", "40mg"] and joined == ["il", "2", "il2"]
    assert plain == ["well", "known", "1990", "1995"]  # long parts and ranges of numbers say enough by themselves
    assert set(grams.tokens(["IL2"])[0]) < set(grams.tokens(["IL-2"])[0])


def test_a_lone_greek_letter_counts_as_its_name_but_greek_words_stay() -> None:
    english = tokenizer_named("english")
    greek, spelt = english.tokens(["TNF-α NF-κB λ", "TNF-alpha NF-kappaB lambda"])
    assert greek == spelt
    assert english.tokens(["και"]) == [["και"]]


def test_pairs_of_syllables_survive_particles_and_other_scripts_stay_whole() -> None:
    assert tokenizer_named("bigrams").tokens(["펌프는 ABC12 물"]) == [["펌프", "프는", "abc12", "물"]]
    assert tokenizer_named("stems").tokens(["펌프는 압력으로 ABC"]) == [["펌프", "압력", "abc"]]


def test_full_width_letters_and_capitals_are_what_they_look_like() -> None:
    assert tokenizer_named("words").tokens(["ＡＢＣ Abc"]) == [["abc", "abc"]]


@pytest.mark.parametrize("name", [name for name in TOKENIZERS if name != "morphemes"])
@given(text=PROSE)
def test_a_tokenizer_gives_the_same_terms_again_and_none_is_empty(name: str, text: str) -> None:
    tokenizer = tokenizer_named(name)
    first, second = tokenizer.tokens([text, text])
    assert first == second and all(first)


def test_korean_morphemes_leave_particles_out() -> None:
    pytest.importorskip("kiwipiepy", reason="Kiwi is an extra")
    assert tokenizer_named("morphemes").tokens(["펌프는 압력을 잃었다"]) == [["펌프", "압력", "잃"]]


def test_each_language_has_a_tokenizer_that_needs_no_dictionary_and_an_unknown_one_is_told() -> None:
    assert [tokenizer_for(language) for language in ("ko", "en", "other")] == ["bigrams", "english", "words"]
    with pytest.raises(InputError) as told:
        tokenizer_named("vowels")
    assert told.value.code == "RAG-TOKENIZER"
