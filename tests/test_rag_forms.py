"""What form an answer must have, what form a stretch has, and the weighted sum learnt beside the trees."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from sevenstep.tasks.rag.answering.asked import KINDS, asked
from sevenstep.tasks.rag.answering.forms import FORMS_ASKED, HELD, forms_asked, forms_held
from sevenstep.tasks.rag.answering.reading import read
from sevenstep.tasks.rag.answering.relations import Relations
from sevenstep.tasks.rag.answering.spans import spans_of
from sevenstep.tasks.rag.answering.traits import traits_of
from sevenstep.tasks.rag.answering.weighing import Weighing, fit_weighing, taken_apart


@pytest.mark.parametrize(
    ("question", "forms"),
    [
        ("When was the pump built?", {"date"}),
        ("In which year did it leak?", {"year", "date"}),
        ("How many hours does a filter last?", {"duration", "number"}),
        ("What percentage of valves failed?", {"share"}),
        ("Who built the pump?", {"person"}),
        ("Which small company repaired it?", {"body"}),
        ("What city is it made in?", {"place"}),
        ("Why does it leak?", {"reason"}),
        ("What is it called?", {"name"}),
        ("What leaks?", set()),
    ],
)
def test_a_question_tells_the_form_of_its_answer(question: str, forms: set[str]) -> None:
    assert {name for name, wanted in zip(FORMS_ASKED, forms_asked(question), strict=True) if wanted} == forms


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("1987", {"year", "date", "number"}),
        ("12 March", {"date", "number"}),
        ("forty percent", {"share", "number"}),
        ("$5 million", {"money", "number"}),
        ("three weeks", {"duration", "number"}),
        ("60 miles", {"size", "number"}),
        ("Maria Keller", {"name", "person"}),
        ("University of Ulm", {"body", "name"}),
        ("Lake Constance", {"place", "name"}),
        ("oil and water", {"several"}),
        ("the valve", set()),
    ],
)
def test_a_stretch_has_the_forms_that_can_be_seen_of_it(text: str, forms: set[str]) -> None:
    assert {name for name, has in zip(HELD, forms_held(text), strict=True) if has} == forms


def test_a_stretch_of_the_form_asked_for_is_told_from_others() -> None:
    reading = read("Maria Keller built the pump in 1987.", False)
    spans = spans_of(reading)
    at = {text: place for place, text in enumerate(spans.texts)}
    for question, right, wrong in (("Who built it?", "Maria Keller", "1987"), ("When was it built?", "1987", "Maria Keller")):
        relations = Relations(asked(question, False), reading, spans, traits_of(reading, spans), lambda word: 1.0)
        values, names = relations.values()
        held, missed, fits = (values[:, names.index(name)] for name in ("forms_held", "forms_missed", "number_fits"))
        assert held[at[right]] == 1 and missed[at[right]] == 0 and fits[at[right]] == 1
        assert held[at[wrong]] == 0 and missed[at[wrong]] == 1 and fits[at[wrong]] == -1


def columns_of(question: str, text: str) -> dict[str, dict[str, float]]:
    """By the name of a column, what it says of each stretch of a text."""
    reading = read(text, False)
    spans = spans_of(reading)
    values, names = Relations(asked(question, False), reading, spans, traits_of(reading, spans), lambda word: 1.0).values()
    return {name: dict(zip(spans.texts, column.tolist(), strict=True)) for name, column in zip(names, values.T, strict=True)}


@pytest.mark.parametrize(
    ("question", "join"),
    [("In which hall does it stand?", "in"), ("What is the pump known for?", "for"), ("Who built the pump?", "")],
)
def test_the_preposition_a_question_asks_with_binds_its_answer(question: str, join: str) -> None:
    assert asked(question, False).join == join


def test_what_follows_the_preposition_asked_with_is_told_from_the_rest() -> None:
    fits = columns_of("What is the pump known for?", "The pump is known for quiet bearings, steel and oil.")["join_fits"]
    assert fits["quiet"] == 1.0 and fits["bearings"] == 0.5
    assert fits["steel"] == fits["pump"] == -1.0
    assert set(columns_of("Who built it?", "It was built for Maria Keller.")["join_fits"].values()) == {0.0}


def test_words_that_stand_together_in_the_question_count_where_they_stand_together() -> None:
    text = "The oil pump leaks. The pump of the old hall near the river has no oil."
    together = columns_of("Who mended the oil pump?", text)["said_together"]
    assert together["leaks"] > together["river"] > 0


def test_a_clause_says_what_stands_between_its_marks() -> None:
    said = columns_of("Who oiled the pump?", "Keller oiled the pump, Maier the door.")["said_by_clause"]
    assert said["Keller"] == 1.0 and said["Maier"] == 0.0


def test_a_name_that_something_is_said_to_be_in_is_a_place_all_over_the_passage() -> None:
    reading = read("Ulm is old. The pump stands in Ulm. Keller mended it in March.", False)
    spans = spans_of(reading)
    place = traits_of(reading, spans).held[:, HELD.index("place")]
    assert {text for text, held in zip(spans.texts, place, strict=True) if held} == {"Ulm"}


def test_classes_are_taken_apart_and_numbers_keep_their_sign() -> None:
    values = np.array([[0.0, -3.0], [-1.0, 7.0]], np.float32)
    table = taken_apart(values, ("particle", "left"), "who", np.array([0.5, 0.0], np.float32)).toarray()
    assert table[:, 0] == pytest.approx(np.sign(values[:, 1]) * np.log1p(np.abs(values[:, 1])))
    assert table[0, 1] == pytest.approx(np.log1p(0.5))
    assert table[:, 2:20].argmax(axis=1).tolist() == [0, 17] and (table[:, 2:20].sum(axis=1) == 1).all()
    own = table[:, 20:].reshape(2, len(KINDS), 1)
    assert (own[:, KINDS.index("who"), 0] == table[:, 0]).all() and np.count_nonzero(own) == 2


def test_the_column_that_tells_gets_the_weight_and_the_scale_of_a_column_counts_nothing() -> None:
    rng = np.random.default_rng(0)
    dense = [rng.normal(size=(12, 3)).astype(np.float32) for _ in range(900)]
    right = [np.eye(12, dtype=np.float32)[own[:, 1].argmax()] for own in dense]
    found = fit_weighing([sparse.csr_array(own) for own in dense], right).weights
    assert found[1] > 10 * np.abs(found[[0, 2]]).max()
    scaled = fit_weighing([sparse.csr_array(own * np.array([1, 50, 1], np.float32)) for own in dense], right).weights
    assert scaled[1] * 50 == pytest.approx(found[1], rel=0.02)


def test_where_no_stretch_was_right_nothing_is_weighed() -> None:
    none = fit_weighing([sparse.csr_array(np.ones((2, 2), np.float32))], [np.zeros(2, np.float32)])
    grades = none.grade(np.ones((2, 1), np.float32), ("left",), "who", np.zeros(2, np.float32))
    assert isinstance(none, Weighing) and (grades == 0).all()
