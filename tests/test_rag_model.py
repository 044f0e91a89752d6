"""The model that answers from documents: what it finds and quotes, who sees what, how it grows, what it came to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rag_models import TEXTS, documents, model
from sevenstep.errors import InputError
from sevenstep.tasks.answers import Answer, Answers
from sevenstep.tasks.rag.model import RagModel
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.retrieval.settings import Settings
from sevenstep.tasks.rag.seeing import Views
from sevenstep.tasks.rag.told import whole_parts

FILTER = "How often is the filter changed?"
WAGES = "By how much do the wages of the night shift rise?"


def test_it_has_the_ability_that_commands_and_the_server_ask_for() -> None:
    assert isinstance(model(), Answers)


def test_an_answer_is_quoted_from_the_document_by_its_offsets() -> None:
    answer = model().ask(FILTER)
    assert answer.ranking[0] == "filter"
    for one in answer.citations:
        assert TEXTS[one.document][one.start : one.end] == one.quote
    assert answer.text in TEXTS["filter"]
    assert len(answer.evidence) <= 3


def test_a_ranking_names_each_document_once_and_no_more_than_asked() -> None:
    ranking = model(size=60).ask(FILTER).ranking
    assert sorted(ranking) == sorted(TEXTS)
    assert len(model().ask(FILTER, count=2).ranking) == 2


def test_a_stream_ends_with_the_answer_its_parts_make_up() -> None:
    *parts, whole = model().streamed(FILTER)
    assert isinstance(whole, Answer)
    assert "".join(map(str, parts)) == whole.text == model().ask(FILTER).text


def test_without_its_tag_a_document_is_as_if_it_were_not_there() -> None:
    whole = model()
    assert whole.ask(WAGES).ranking[0] == "wages"
    assert whole.ask(WAGES, ["board"]).ranking[0] == "wages"
    other = documents({name: text for name, text in TEXTS.items() if name != "wages"})
    without = whole.with_documents(other).ask(WAGES)
    for tags in ([], ["sales"]):
        seen = whole.ask(WAGES, tags)
        assert "wages" not in seen.ranking
        assert (seen.ranking, [one.score for one in seen.evidence]) == (without.ranking, [one.score for one in without.evidence])


def test_a_model_for_an_asker_gives_no_more_than_the_asker_may_see() -> None:
    nobody = model().within([])
    made = nobody.predict(pl.DataFrame({"question": [WAGES]}))
    assert "wages" not in made["ranking"][0].to_list()
    assert "wages" not in nobody.ask(WAGES, ["payroll"]).ranking
    assert "wages" in model().within(["payroll"]).within(["payroll", "board"]).ask(WAGES).ranking


def test_what_is_saved_answers_the_same(tmp_path: Path) -> None:
    made = model(latent=3, sentences=True)
    made.save(tmp_path)
    again = RagModel.load(tmp_path)
    assert again.ask(FILTER) == made.ask(FILTER)
    assert again.predict().equals(made.predict())
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= {".json", ".parquet", ".npz", ".npy"}


def test_predictions_are_a_row_a_question_in_their_order() -> None:
    asked = pl.DataFrame({"question_id": ["b", "a"], "question": [WAGES, FILTER]})
    made = model().predict(asked)
    assert made["question_id"].to_list() == ["b", "a"]
    assert made["ranking"].list.first().to_list() == ["wages", "filter"]
    assert made["citations"][1][0]["document"] == "filter"
    assert model().predict()["question_id"].to_list() == ["w1"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (pl.DataFrame({"question": []}, schema={"question": pl.String}), "PREDICT-NO-ROWS"),
        (pl.DataFrame({"text": ["a"]}), "PREDICT-INPUT"),
        (pl.DataFrame({"question": ["a", " "]}), "PREDICT-BLANK"),
    ],
)
def test_rows_without_a_question_are_refused(rows: pl.DataFrame, code: str) -> None:
    with pytest.raises(InputError, match=code):
        model().predict(rows)


def test_questions_that_wait_are_answered_from_what_everybody_may_see() -> None:
    made = model().refresh(pl.DataFrame({"question_id": ["w2"], "question": [WAGES]})).outlook()
    assert made["question_id"].to_list() == ["w1", "w2"]
    assert all("wages" not in ranking for ranking in made["ranking"].to_list())
    assert made["target"].unique().to_list() == ["passages"]
    assert made["lead"].null_count() == 2


# Growing ------------------------------------------------------------------------------------------------------------------------


def observed(**columns: object) -> pl.DataFrame:
    return pl.DataFrame([{"document_id": None, "text": None, "access": None, "removed": None, **columns}], strict=False)


def test_an_added_document_is_found_and_whoever_holds_the_older_model_sees_nothing_of_it() -> None:
    before = model(latent=3, sentences=True)
    after = before.refresh(observed(document_id="valve", text="The relief valve opens at 9 bar.", removed=False))
    assert after.ask("At how many bar does the relief valve open?").ranking[0] == "valve"
    assert "valve" not in before.ask("At how many bar does the relief valve open?").ranking


def test_a_changed_document_answers_with_what_it_says_now() -> None:
    after = model().refresh(observed(document_id="filter", text="The filter is changed every 250 hours."))
    answer = after.ask(FILTER)
    assert answer.text == "The filter is changed every 250 hours."
    assert answer.evidence[0].title == "Filter"


def test_a_document_taken_out_is_gone() -> None:
    assert "heron" not in model().refresh(observed(document_id="heron", removed=True)).ask("What does a heron eat?").ranking


def test_tags_are_changed_without_the_text_being_sent_again() -> None:
    after = model().refresh(observed(document_id="heron", access='["zoo"]'))
    assert "heron" not in after.ask("What does a heron eat?", []).ranking
    assert "heron" in after.ask("What does a heron eat?", ["zoo"]).ranking
    opened = after.refresh(observed(document_id="heron", access="[]"))
    assert "heron" in opened.ask("What does a heron eat?", []).ranking


def test_what_says_nothing_of_documents_changes_nothing() -> None:
    made = model()
    assert made.refresh(pl.DataFrame({"question": ["a"], "helpful": [True]})) is made
    assert made.refresh(observed(document_id="unknown", removed=False)) is made


# What came of it ----------------------------------------------------------------------------------------------------------------


def test_answers_are_judged_by_what_was_told_and_what_was_not_is_not_measured() -> None:
    made = model().predict(pl.DataFrame({"question": [FILTER, WAGES, "What does a heron eat?"]}))
    truths = [
        {"answer": "every 500 hours", "helpful": None, "document": "filter"},
        {"answer": None, "helpful": False, "document": "pump"},
        {"answer": None, "helpful": True, "document": None},
    ]
    scores = model().judge(made.with_columns(pl.Series("truth", truths)))
    passages, answers = (scores.of(target=target).frame for target in ("passages", "answer"))
    assert passages["item"].to_list() == [0, 1]
    assert passages["prediction"][0] == 1.0
    assert passages["recall@5"].to_list() == [1.0, 1.0]
    assert 0 < passages["prediction"][1] < 1
    assert answers["item"].to_list() == [0]
    assert 0 < answers["prediction"][0] < 1
    assert answers["exact_match"].to_list() == [0.0]


def test_the_words_that_found_a_passage_add_up_to_its_score() -> None:
    found = model().explain({"question": FILTER})[0]
    assert sum(part[2] for part in found.parts) == pytest.approx(found.prediction)
    assert found.prediction > 0
    assert {part[0] for part in found.parts if part[2] > 0} == {"filter", "chang"}
    assert found.item["passage"] == "Filter"
    assert model().explain({"row": 1})[0].item["question"] == "What does a heron eat?"
    with pytest.raises(InputError, match="EXPLAIN-QUESTION"):
        model().explain({"row": 9})


def test_questions_are_told_apart_by_their_new_words_and_topics() -> None:
    traits = model(latent=3).traits([FILTER, "Wie wird das Wetter morgen?"])
    assert traits["new words"].to_list()[0] < traits["new words"].to_list()[1] == 1.0
    assert {"words", "topic 1"} <= set(traits.columns)


def test_answers_are_read_by_the_way_to_find_they_were_learnt_with(tmp_path: Path) -> None:
    plain = model()
    other = FittedRetriever(plain.views.retriever.layout, Settings(b=0.0, k1=0.0))
    finer = FittedRetriever(Layout(tokenizer="english", size=60), Settings())
    for reads in (other, finer):
        index = plain.index if reads is other else CorpusIndex.build(documents(), whole_parts(documents()), reads.layout)
        made = replace(plain, reading=Views(reads, index))
        assert made.ask(FILTER).ranking == plain.ask(FILTER).ranking
        alone = replace(plain, views=Views(reads, index), reading=Views(reads, index), top=3)
        assert {one.document for one in made.ask(FILTER).evidence} <= set(alone.ask(FILTER).ranking)
        assert made.ask(FILTER).text == alone.ask(FILTER).text
        grown = made.refresh(observed(document_id="valve", text="The relief valve opens at 9 bar.", removed=False))
        assert "valve" in [one.document for one in grown.ask("When does the relief valve open?").evidence]
        folder = tmp_path / ("other" if reads is other else "finer")
        folder.mkdir()
        made.save(folder)
        assert RagModel.load(folder).ask(FILTER) == made.ask(FILTER)
