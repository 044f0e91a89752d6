"""Exact match, token F1, support and abstention, against the published rules written out slowly and against known examples."""

from __future__ import annotations

import math
import re
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sevenstep.stats.answers import abstention_error, answer_f1, exact_match, groundedness, normal_answer, supported_share

LETTERS = st.text(alphabet="ab 1,.'\"《》()가나다The AN 는-", max_size=12)


def slow_normal(text: str, language: str) -> str:
    """The steps of the published scorers one after the other, a character at a time."""
    if language == "ko":
        for mark in ["'", '"', "《", "》", "<", ">", "〈", "〉", "(", ")", "‘", "’"]:
            text = text.replace(mark, " ")
    kept = ""
    for letter in text.lower():
        if letter not in set(string.punctuation):
            kept += letter
    if language != "ko":
        kept = re.sub(r"\b(a|an|the)\b", " ", kept)
    return " ".join(kept.split())


def slow_f1(answer: str, known: str, language: str) -> float:
    """Token F1 by crossing off one token after the other."""
    split = (lambda text: [letter for word in text.split() for letter in word]) if language == "ko" else str.split
    mine, theirs = split(slow_normal(answer, language)), split(slow_normal(known, language))
    left, common = list(theirs), 0
    for token in mine:
        if token in left:
            left.remove(token)
            common += 1
    if common == 0:
        return 0.0
    precision, recall = common / len(mine), common / len(theirs)
    return 2 * precision * recall / (precision + recall)


@given(LETTERS, LETTERS, st.sampled_from(["ko", "en"]))
def test_f1_and_exact_match_equal_the_published_steps_taken_slowly(answer: str, known: str, language: str) -> None:
    assert normal_answer(answer, language) == slow_normal(answer, language)
    assert answer_f1(answer, [known], language) == pytest.approx(slow_f1(answer, known, language))
    assert exact_match(answer, [known], language) == float(slow_normal(answer, language) == slow_normal(known, language))


@pytest.mark.parametrize(
    ("answer", "known", "language", "f1", "exact"),
    [
        ("the Eiffel Tower.", "Eiffel tower", "en", 1.0, 1.0),
        ("Eiffel", "the Eiffel Tower", "en", 2 / 3, 0.0),
        ("the Eiffel", "the theatre", "en", 0.0, 0.0),
        ("《사도》", "사도", "ko", 1.0, 1.0),
        ("1989년", "1989년 2월 15일", "ko", 2 * 5 / (5 + 10), 0.0),
        ("교황 알렉산데르", "교황 알렉산데르 7세", "ko", 2 * 7 / (7 + 9), 0.0),
        ("", "서울", "ko", 0.0, 0.0),
    ],
)
def test_worked_examples(answer: str, known: str, language: str, f1: float, exact: float) -> None:
    assert answer_f1(answer, [known], language) == pytest.approx(f1)
    assert exact_match(answer, [known], language) == exact


def test_of_several_known_answers_the_one_that_fits_best_counts() -> None:
    assert answer_f1("July 1969", ["in 1968", "20 July 1969"], "en") == pytest.approx(0.8)


def test_a_question_without_a_known_answer_is_not_measured() -> None:
    assert math.isnan(answer_f1("Paris", [], "en"))
    assert math.isnan(exact_match("Paris", [], "en"))


def test_a_sentence_is_supported_by_the_words_of_its_quotes_whatever_particle_they_carry() -> None:
    assert supported_share("Oil is changed every 500 hours.", ["The oil is changed every 500 hours by the crew"]) == 1.0
    assert supported_share("윤활유를 교체", ["윤활유는 매월 교체한다"]) == pytest.approx(3 / 4)
    assert supported_share("The moon is cheese", ["Oil is changed"]) == pytest.approx(1 / 4)


def test_a_number_that_stands_in_no_quote_is_not_supported_at_all() -> None:
    assert supported_share("Oil is changed every 900 hours", ["Oil is changed every 500 hours"]) == 0.0
    assert supported_share("1989년에 설립", ["1988년에 설립되었다"]) == 0.0


def test_groundedness_is_the_mean_over_sentences_and_what_cites_nothing_has_none() -> None:
    assert groundedness(["Oil is changed.", "The sky is green."], [["Oil is changed."], []]) == 0.5
    assert math.isnan(groundedness([], []))


def test_abstaining_is_right_where_there_is_no_answer_and_only_there() -> None:
    made = abstention_error(np.array([True, True, False, False]), np.array([True, False, True, False]))
    assert made.tolist() == [0.0, 1.0, 1.0, 0.0]
