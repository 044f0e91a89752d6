"""The answerer that quotes: what may be an answer, what a question asks for, what is learnt, and how sure an answer is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from sevenstep.stats.answers import answer_f1, normal_answer
from sevenstep.tasks.rag.answering.asked import asked
from sevenstep.tasks.rag.answering.confidence import RIGHT, Confidence, fit_confidence
from sevenstep.tasks.rag.answering.extractive import ExtractiveAnswerer, quoted_sentence
from sevenstep.tasks.rag.answering.learning import fit_extractive
from sevenstep.tasks.rag.answering.lexical import fit_lexicon, pairs_of
from sevenstep.tasks.rag.answering.material import Words, material_of
from sevenstep.tasks.rag.answering.particles import stem
from sevenstep.tasks.rag.answering.reading import grams, read
from sevenstep.tasks.rag.answering.relations import Relations, said_share
from sevenstep.tasks.rag.answering.scorer import Example, fit_scorer
from sevenstep.tasks.rag.answering.sentence import BestSentence
from sevenstep.tasks.rag.answering.spans import spans_of
from sevenstep.tasks.rag.answering.traits import traits_of
from sevenstep.tasks.rag.found import Passage

SHARED = Path(__file__).parents[2] / "shared" / "data"


def passage(text: str, start: int = 0, name: str = "d") -> Passage:
    return Passage(name, "", text, start, start + len(text), 1.0)


# What may be an answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "korean", "answer"),
    [
        ("두 번째 싱글은 미국에서 5위에 올랐다.", True, "미국"),
        ("기공식은 1997년 12월 20일에 열렸다.", True, "1997년 12월 20일"),
        ("영화 《사도》에서 열연했다.", True, "사도"),
        ("평균 고도는 5,000미터(16,500피트)가 넘는다.", True, "5,000미터(16,500피트)"),
        ("The committee was led by Nicholas E. Golovin in July 1961.", False, "Nicholas E. Golovin"),
        ("In South Africa, schools are called independent schools.", False, "independent schools"),
    ],
)
def test_the_stretches_hold_the_answers_people_give(text: str, korean: bool, answer: str) -> None:
    assert answer in spans_of(read(text, korean)).texts


@pytest.mark.parametrize(
    ("text", "korean"),
    [("가나 다라를 마바에서 (사아) 자차. 카타 파하!", True), ("One (two three) four; five. Six of seven.", False)],
)
def test_a_stretch_is_its_text_within_one_sentence(text: str, korean: bool) -> None:
    reading = read(text, korean)
    spans = spans_of(reading)
    for at in range(len(spans)):
        assert spans.texts[at] == text[spans.starts[at] : spans.ends[at]]
        assert reading.sentence[spans.first[at]] == reading.sentence[spans.last[at]]
        assert spans.texts[at].count("(") == spans.texts[at].count(")")
        assert ";" not in spans.texts[at]


@pytest.mark.shared
@pytest.mark.parametrize(("folder", "korean", "least"), [("korquad1", True, 0.97), ("squad_xquad_en", False, 0.75)])
def test_most_answers_of_real_questions_are_among_the_stretches(folder: str, korean: bool, least: float) -> None:
    path = SHARED / folder / "dev.json.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    language = "ko" if korean else "en"
    articles = json.loads(gzip.decompress(path.read_bytes()))["data"][::6]
    found = []
    for paragraph in (paragraph for article in articles for paragraph in article["paragraphs"][:4]):
        texts = {normal_answer(text, language) for text in spans_of(read(paragraph["context"], korean)).texts}
        found += [normal_answer(question["answers"][0]["text"], language) in texts for question in paragraph["qas"]]
    assert len(found) > 60
    assert np.mean(found) >= least


@pytest.mark.parametrize(
    ("word", "without"),
    [("미국에서", "미국"), ("의원들이", "의원"), ("도쿄까지", "도쿄"), ("NATO가", "NATO"), ("나", "나"), ("oil", "oil")],
)
def test_a_particle_is_taken_off_and_something_is_left(word: str, without: str) -> None:
    assert stem(word) == without


# What a question asks for -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "korean", "kind", "focus", "unit"),
    [
        ("몇 명의 법률가가 서명했는가?", True, "count", "명", "명"),
        ("김태희는 어느 신문사의 홍보대사인가?", True, "which", "신문사", ""),
        ("이 영화를 감독한 사람은 누구인가?", True, "who", "사람", ""),
        ("티베트 고원의 평균 고도는?", True, "count", "고도", ""),
        ("What brand of car is made in Broadmeadows?", False, "what", "brand", ""),
        ("In what year did Dewar experiment?", False, "when", "year", ""),
        ("How many schools are there?", False, "count", "school", ""),
        ("Who led the committee?", False, "who", "", ""),
    ],
)
def test_kind_focus_and_unit_of_a_question(question: str, korean: bool, kind: str, focus: str, unit: str) -> None:
    made = asked(question, korean)
    assert (made.kind, made.focus, made.unit) == (kind, focus, unit)


def test_a_question_without_any_word_is_read_all_the_same() -> None:
    for korean in (True, False):
        made = material_of("?!", [passage("The oil is black. 기름은 검다.")], korean, Words({}, 1))
        assert made is not None
        assert np.isfinite(made.values).all()


# What is known of a stretch, against slow twins ------------------------------------------------------------------------------


def test_the_distance_to_the_words_of_the_question_is_that_of_counting_words() -> None:
    text = "Alpha beta oil gamma delta pump epsilon."
    reading, question = read(text, False), asked("Which oil drives the pump?", False)
    spans = spans_of(reading)
    relations = Relations(question, reading, spans, traits_of(reading, spans), lambda word: 1.0)
    values, names = relations.values()
    words = text.rstrip(".").lower().split()
    for at in range(len(spans)):
        first, last = spans.first[at], spans.last[at]
        left = min((first - place for place in range(first) if words[place] in ("oil", "pump")), default=60)
        right = min((place - last for place in range(last + 1, len(words)) if words[place] in ("oil", "pump")), default=60)
        assert values[at, names.index("nearest_left")] == min(left, 60)
        assert values[at, names.index("nearest_right")] == min(right, 60)
        inside = sum(word in ("oil", "pump") for word in words[first : last + 1])
        assert values[at, names.index("repeated_share")] == pytest.approx(inside / (last - first + 1))


def test_how_much_of_a_question_a_text_says_is_the_weighted_share_of_its_words() -> None:
    weight = {"oil": 3.0, "chang": 1.0}.get
    share = said_share("Is the oil changed?", "Oil is black.", False, lambda word: weight(word, 0.0))
    assert share == pytest.approx(3 / 4)
    assert said_share("Is the oil changed?", "", False, lambda word: 1.0) == 0.0


def test_a_word_of_few_sentences_says_more_than_a_word_of_many() -> None:
    words = Words.of(["The oil is black. The oil is thick, oil.", "A pump stands still."], False)
    assert (words.sentences, words.counts["oil"], words.counts["pump"]) == (3, 2, 1)
    assert words.weight("unseen") > words.weight("pump") > words.weight("oil")


def test_columns_are_the_same_whatever_is_asked() -> None:
    reading = read("The oil is black. It is thick.", False)
    spans = spans_of(reading)
    traits = traits_of(reading, spans)
    names = {
        Relations(asked(text, False), reading, spans, traits, lambda word: 1.0).values()[1]
        for text in ("?", "What is oil?", "Who?")
    }
    assert len(names) == 1


def test_pairs_of_letters() -> None:
    assert grams("abcab") == {"ab", "bc", "ca"}
    assert grams("a") == {"a"}


# What is learnt ---------------------------------------------------------------------------------------------------------------

CITIES = ("Paris", "Rome", "Oslo", "Lima", "Cairo", "Delhi", "Quito", "Seoul", "Tunis", "Hanoi", "Dakar", "Sofia")
PEOPLE = ("Anna Berg", "Carl Dorn", "Eva Falk", "Gerd Horn", "Ida Jung", "Karl Lang", "Mia Nolte", "Otto Paul")


def world(count: int) -> list[Example]:
    """Generated questions with an order to learn: who is answered by the name, when by the year, whatever stands around them."""
    random, made = np.random.default_rng(3), []
    for number in range(count):
        city, person = random.choice(CITIES), random.choice(PEOPLE)
        year, height = int(random.integers(1800, 2000)), int(random.integers(10, 99))
        text = f"The tower of {city} was built by {person} in {year}. It is {height} metres high and stands near the river."
        other = passage(f"The gate of {random.choice(CITIES)} was built of stone. It has two doors.", name="other")
        question, answer = (
            (f"Who built the tower of {city}?", person) if number % 2 else (f"When was the tower of {city} built?", str(year))
        )
        made.append(Example(question, [answer], [passage(text), other], f"g{number % 8}"))
    return made


QUICK = {"rounds": 60, "learning_rate": 0.1, "least_in_leaf": 5}


@pytest.fixture(scope="module")
def answerer() -> ExtractiveAnswerer:
    made = fit_extractive(world(160), "en", QUICK, 0)
    assert made is not None
    return made


def test_new_questions_of_a_kind_that_was_seen_are_answered(answerer: ExtractiveAnswerer) -> None:
    scores = []
    for example in world(260)[200:]:
        answer = answerer.answer(example.question, example.passages)
        scores.append(answer_f1(answer.text, example.answers, "en"))
    assert np.mean(scores) > 0.9


def test_an_answer_is_quoted_and_cited_with_offsets_in_its_document(answerer: ExtractiveAnswerer) -> None:
    text = "Some words before. The tower of Bonn was built by Zoe Quast in 1901. It is high."
    answer = answerer.answer("Who built the tower of Bonn?", [passage(text, start=1000)])
    (citation,) = answer.citations
    assert answer.text in citation.quote
    assert (
        text[citation.start - 1000 : citation.end - 1000] == citation.quote == "The tower of Bonn was built by Zoe Quast in 1901."
    )
    assert answer.confidence is not None
    assert 0 <= answer.confidence <= 1


def test_the_whole_sentence_is_answered_where_that_is_wanted(answerer: ExtractiveAnswerer) -> None:
    whole = ExtractiveAnswerer(answerer.scorer, answerer.confidence, "sentence")
    answer = whole.answer("Who built the tower of Bonn?", [passage("The tower of Bonn was built by Zoe Quast. It is high.")])
    assert answer.text == "The tower of Bonn was built by Zoe Quast."


@pytest.mark.parametrize("passages", [[], [passage("")], [passage("... !")]])
def test_where_nothing_was_found_nothing_is_answered(answerer: ExtractiveAnswerer, passages: list[Passage]) -> None:
    answer = answerer.answer("Who built the tower?", passages)
    assert (answer.text, answer.citations) == ("", ())
    assert answer.refused


def test_an_answer_below_the_threshold_is_refused_with_its_chance(answerer: ExtractiveAnswerer) -> None:
    strict = ExtractiveAnswerer(answerer.scorer, Confidence(threshold=1.1))
    answer = strict.answer("Who built the tower of Bonn?", [passage("The tower of Bonn was built by Zoe Quast.")])
    assert answer.text == ""
    assert answer.confidence is not None
    assert answer.refused


def test_an_answerer_reads_back_as_it_was_saved_and_answers_the_same(answerer: ExtractiveAnswerer, tmp_path: Path) -> None:
    answerer.save(tmp_path)
    again = ExtractiveAnswerer.load(tmp_path)
    for example in world(20):
        assert again.answer(example.question, example.passages) == answerer.answer(example.question, example.passages)


def test_learning_again_gives_the_same_trees() -> None:
    first, second = (fit_scorer(world(40), "en", QUICK, 5) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.trees == second.trees


def test_without_an_answer_among_the_passages_nothing_is_learnt() -> None:
    nothing = [Example("Who?", ["Nobody"], [passage("The oil is black.")], "g")]
    assert fit_scorer(nothing, "en", QUICK, 0) is None


def test_word_for_word_rules_learn_what_answers_end_in() -> None:
    reading = read("It took 12 hours. It took 12 metres. It took 12 people.", False)
    spans = spans_of(reading)
    hashes = traits_of(reading, spans).hashes
    wanted = {"How many hours?": "12 hours", "How many metres?": "12 metres", "How many people?": "12 people"}
    pairs = [pairs_of(asked(question, False), hashes) for question in wanted]
    overlap = [np.array([float(text == answer) for text in spans.texts], np.float32) for answer in wanted.values()]
    lexicon = fit_lexicon(np.vstack(pairs * 5), np.concatenate(overlap * 5), 0)
    for own, answer in zip(pairs, wanted.values(), strict=True):
        assert spans.texts[int(lexicon.grade(own).argmax())] == answer


def test_the_baseline_quotes_the_sentence_that_says_most_of_the_question() -> None:
    text = "The pump stands in the hall. The oil of the pump is changed weekly. The hall is locked."
    answer = BestSentence(Words.of([text, "The hall is large."], False), "en").answer(
        "When is the oil changed?", [passage(text, 10)]
    )
    assert answer.text == "The oil of the pump is changed weekly."
    assert text[answer.citations[0].start - 10 : answer.citations[0].end - 10] == answer.text


def test_a_quote_is_the_whole_sentence_around_a_stretch() -> None:
    text = "One. Two three four. Five."
    assert quoted_sentence(passage(text, 50), text.index("three"), text.index("four")).quote == "Two three four."


# How sure an answer is --------------------------------------------------------------------------------------------------------


def test_the_chance_is_the_share_that_is_right() -> None:
    random = np.random.default_rng(1)
    grades = random.uniform(0.05, 0.95, 4000)
    truth = 1 / (1 + np.exp(-(0.3 + 1.7 * np.log(grades / (1 - grades)))))
    scores = np.where(random.random(4000) < truth, 1.0, 0.2)
    found = fit_confidence(grades, scores)
    chances = np.array([found.chance(grade) for grade in grades])
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (chances >= low) & (chances < low + 0.2)
        assert np.mean(scores[inside] >= RIGHT) == pytest.approx(chances[inside].mean(), abs=0.06)


def test_refusing_below_the_threshold_costs_at_most_half_a_point_of_f1() -> None:
    random = np.random.default_rng(2)
    grades = random.uniform(0, 1, 1000)
    scores = (random.random(1000) < grades**2).astype(float)
    found = fit_confidence(grades, scores)
    refused = np.array([found.chance(grade) < found.threshold for grade in grades])
    assert 0 < refused.sum() < 1000
    assert scores[refused].sum() / 1000 <= 0.005


@pytest.mark.parametrize("scores", [np.ones(20), np.zeros(20), np.zeros(0)])
def test_the_chance_is_a_probability_where_all_were_right_or_none(scores: np.ndarray) -> None:
    found = fit_confidence(np.linspace(0.1, 0.9, len(scores)), scores)
    assert 0 < found.chance(0.5) < 1
    assert Confidence.from_json(found.to_json()) == found
