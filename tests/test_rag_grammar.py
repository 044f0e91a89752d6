"""The spec language of answering from documents: implied targets, corpus and section, budgets, secrets."""

from pathlib import Path

import pytest

from sevenstep.errors import CollectedErrors
from sevenstep.spec import brief_for, read_spec, render, resolve
from sevenstep.spec.model import Spec
from sevenstep.tasks.rag.grammar import GRAMMAR
from sevenstep.tasks.registry import grammars

CORPUS = """\
task: rag
data:
  documents: {path: corpus.jsonl, id: _id}
  questions: {path: questions.jsonl}
  judgements: {path: judgements.tsv, question: query-id, document: corpus-id}
kpis: [{id: found, metric: ndcg@10, goal: ">= 0.7", baseline: bm25}]
"""
SQUAD = """\
task: rag
data: {format: squad, source: dev.json.gz, language: ko}
kpis:
  - {id: found, metric: recall@5, goal: ">= 0.97", baseline: bm25}
  - {id: answered, metric: answer_f1, goal: ">= 0.45", baseline: best_sentence}
"""


def read(folder: Path, text: str) -> Spec:
    (folder / "sevenstep.yaml").write_text(text, encoding="utf-8")
    return read_spec(folder, grammars())


def fault(folder: Path, text: str) -> str:
    with pytest.raises(CollectedErrors) as caught:
        read(folder, text)
    assert len(caught.value.errors) == 1, render(caught.value)
    return caught.value.errors[0].sentence()


def test_the_targets_follow_from_the_metrics_of_the_kpis_in_their_order(tmp_path: Path) -> None:
    assert read(tmp_path, CORPUS).targets == ("passages",)
    both = read(tmp_path, SQUAD)
    assert both.targets == ("passages", "answer")
    assert [kpi.target for kpi in both.kpis] == ["passages", "answer"]
    assert brief_for("collect", both, GRAMMAR).targets == ("passages", "answer")


def test_a_metric_of_any_target_goes_with_the_first_unless_the_kpi_says_which(tmp_path: Path) -> None:
    slow = '\n  - {id: fast, metric: latency_ms, goal: "<= 50"}\n'
    assert read(tmp_path, SQUAD.rstrip() + slow).kpis[-1].target == "passages"
    named = slow.replace("latency_ms", "latency_ms, target: answer")
    assert read(tmp_path, SQUAD.rstrip() + named).kpis[-1].target == "answer"
    alone = 'task: rag\ndata: {documents: {path: a/}}\nkpis: [{id: fast, metric: latency_ms, goal: "<= 50"}]\n'
    assert read(tmp_path, alone).targets == ("passages",)


def test_a_kpi_that_names_a_target_its_metric_is_not_measured_on_is_told(tmp_path: Path) -> None:
    told = fault(tmp_path, CORPUS.replace("ndcg@10", "ndcg@10, target: answer"))
    assert "target 'answer'; ndcg@10 is measured on passages; leave it out [SPEC-KPI-TARGET]" in told


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("{source: a.csv}", "a 'source' without format: squad"),
        ("{questions: {path: q.jsonl}}", "no 'documents' in 'data'"),
        ("{documents: {path: a/}, source: b.json}", "both 'source' and 'documents'"),
        ("{documents: {path: a/}, format: jsonl}", "a format belongs to them"),
        ("{documents: {path: a/}, judgements: {path: j.tsv}}", "'judgements' without 'questions'"),
        ("{format: squad, source: a.json, questions: {path: q.jsonl}}", "both 'source' and 'questions'"),
        ("{sources: {a: {path: b.csv}}}", "name them as documents: {path: ...}"),
        ("{documents: {path: a/, format: pfd}}", "did you mean 'pdf'?"),
        ("{documents: {path: a/, acess: team}}", "did you mean 'access'?"),
        ("{documents: {path: a/}, time: day}", "unknown key 'time' in 'data' of task 'rag'"),
    ],
)
def test_a_corpus_that_contradicts_itself_is_told_with_the_fix(tmp_path: Path, data: str, told: str) -> None:
    assert told in fault(tmp_path, f'task: rag\ndata: {data}\nkpis: [{{id: a, metric: mrr@10, goal: ">= 0.5"}}]\n')


def test_the_form_of_squad_is_no_table_for_another_task(tmp_path: Path) -> None:
    text = 'task: regression\ndata: {source: a.json, format: squad}\ntarget: y\nkpis: [{id: a, metric: mae, goal: "<= 1"}]\n'
    assert "are no rows of task 'regression'" in fault(tmp_path, text)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("{chunk: {size: 10}}", "'rag.chunk.size' is 10; it is a whole number from 50 to 1e+06"),
        ("{chunk: {size: {try: [400, many]}}}", "it is a whole number from 50"),
        ("{chunk: {overlap: {range: [0, 0.9]}}}", "it is a number from 0 to 0.5"),
        ("{retrieve: {tokenizer: syllables}}", "it is one of words, english, bigrams"),
        ("{answer: {style: rhyme}}", "it is one of short, sentence"),
        ("{source_share: 0}", "must be above 0"),
        ("{model: {endpoint: localhost, name: a}}", "an endpoint is a web address"),
        ("{model: {name: a}}", "no 'endpoint' in 'rag.model'"),
        ("{judge: {endpoint: 'http://a/v1', name: a, repeats: 1}}", "must be at least 2"),
        ("{chnk: {size: 100}}", "did you mean 'chunk'?"),
    ],
)
def test_a_section_that_asks_for_what_cannot_be_is_told(tmp_path: Path, section: str, told: str) -> None:
    assert told in fault(tmp_path, f"{CORPUS}rag: {section}\n")


def test_a_key_in_plain_text_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(CollectedErrors) as caught:
        read(tmp_path, CORPUS + "rag:\n  model: {endpoint: 'http://a/v1', name: a, key: sk-12345}\n")
    told = render(caught.value)
    assert "a spec holds no secret" in told
    assert "keep it in an environment variable and write key: {env: NAME}" in told
    assert "sk-12345" not in told
    kept = read(tmp_path, CORPUS + "rag:\n  model: {endpoint: 'http://a/v1', name: a, key: {env: KEY}}\n")
    assert str(kept.section.model.key) == "env:KEY"


def test_values_and_searches_stand_side_by_side(tmp_path: Path) -> None:
    section = "rag:\n  chunk: {size: {try: [300, 600]}, overlap: 0.1}\n  answer: {top: {range: [1, 8], integer: true}}\n"
    rag = read(tmp_path, CORPUS + section).section
    assert rag.chunk.size.values == (300, 600)
    assert rag.chunk.overlap == 0.1
    assert rag.answer.top.range == (1, 8)
    assert rag.model is None


def test_money_and_tokens_are_bounded_where_they_may_be_spent_and_nowhere_else(tmp_path: Path) -> None:
    spec = read(tmp_path, CORPUS + "budget: {time: 5min, usd: 2.5, tokens: 100000}\n")
    assert brief_for("tune", spec, GRAMMAR).spending == {"usd": 2.5, "tokens": 100000}
    other = "task: regression\ndata: {source: a.csv}\ntarget: y\nkpis: [{id: a, metric: mae, goal: '<= 1'}]\nbudget: {usd: 1}\n"
    assert "a budget in usd; task 'regression' calls nothing that is billed; remove it" in fault(tmp_path, other)


def test_every_value_of_a_spec_is_resolved_with_its_origin(tmp_path: Path) -> None:
    values = {item.key: item for item in resolve(read(tmp_path, CORPUS))}
    assert (values["data.documents.id"].value, values["data.documents.id"].origin) == ("_id", "file")
    assert (values["rag.source_share"].value, values["rag.source_share"].origin) == (0.5, "default")
    assert values["budget.usd"].value is None
    assert values["target"].value == ["passages"]
