"""Measures retrieval: beside bm25s, joint against greedy search, and at the size of a large library.

    python bench/rag.py beir FOLDER [--test test_a] [--embedding FOLDER]   # tuned on the train part, judged on another
    python bench/rag.py squad FILE [--language ko]                         # folds of whole articles
    python bench/rag.py search FOLDER [--trials 24] [--seeds 3]            # one joint search against one stage after the other
    python bench/rag.py scale [--chunks 100000]                            # index, memory, latency, an added document

``beir`` reads corpus.jsonl.gz, queries_PART.jsonl.gz and qrels_PART.tsv. Every figure has n, and a 95 % interval where it is a
mean over questions (bootstrap over questions that share no document; over articles for ``squad``). Rates and latencies are in
processor time of one question after another, so that a busy machine does not blur them; run with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import optuna
import polars as pl
import Stemmer
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sevenstep.data.documents.tables import DOCUMENTS, PARTS
from sevenstep.stats.ranking import ranking_figure
from sevenstep.tasks.rag.candidates import Situation, catalog_of
from sevenstep.tasks.rag.judged import Judged, Relevant, gains_of, grades_of
from sevenstep.tasks.rag.retrieval.finder import Finder, Found
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.retrieval.ranker import Ranker
from sevenstep.tasks.rag.retrieval.settings import Settings
from sevenstep.tasks.rag.retrieval.study import study_of

DEPTH, FOLDS, RESAMPLES = 100, 5, 4_000
Figures = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """Questions with what is relevant to each, and the group each must stay in."""

    texts: Sequence[str]
    judged: Sequence[Judged]
    groups: NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("beir", "squad", "search", "scale"))
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--test", default="test_a")
    parser.add_argument("--embedding", default="")
    parser.add_argument("--language", default="ko")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--questions", type=int, default=10_000, help="train questions a search is judged on at most")
    parser.add_argument("--chunks", type=int, default=100_000)
    options = parser.parse_args()
    {"beir": beir, "squad": squad, "search": searches, "scale": scale}[options.what](options)


def beir(options: argparse.Namespace) -> None:
    """Every candidate fitted on the train part and judged on the test part."""
    documents, train, test = (
        read_documents(options.path),
        read_asked(options.path, "train"),
        read_asked(options.path, options.test),
    )
    print(f"documents {documents.height}, train questions {len(train.texts)}, test questions {len(test.texts)}")
    others: dict[str, Mapping[str, Figures]] = {}
    for name, stemmer in (("bm25s", ""), ("bm25s with stems", "english")):
        others[name], rate, took = with_bm25s(documents, test, "en", stemmer)
        tell(name, {metric: others[name][metric] for metric in ("ndcg@10", "recall@100")}, test.groups, {}, rate, took)
    situation = Situation("en", "english", documents.height, len(train.texts), options.embedding)
    for entry in catalog_of(situation):
        if not entry.fits(situation):
            continue
        layout, settings = Layout.of(entry.parameters), Settings.of(entry.parameters)
        index, rate = built(documents, layout)
        finder = Finder(index, settings, taught(index, settings, train, range(len(train.texts))))
        found, took = timed(finder, test.texts)
        figures = {metric: figure(metric, found, index, test.judged) for metric in ("ndcg@10", "recall@100")}
        tell(entry.name, figures, test.groups, others, rate, took)


def squad(options: argparse.Namespace) -> None:
    """Every candidate, its ranker learnt without the articles it is judged on."""
    documents, asked = read_squad(options.path)
    theirs, rate, took = with_bm25s(documents, asked, None, "")
    print(f"paragraphs {documents.height}, questions {len(asked.texts)}, articles {len(np.unique(asked.groups))}")
    metrics = ("recall@5", "mrr@10")
    tell("bm25s on words", {metric: theirs[metric] for metric in metrics}, asked.groups, {}, rate, took)
    tokenizer = {"ko": "bigrams", "en": "english"}[options.language]
    situation = Situation(options.language, tokenizer, documents.height, len(asked.texts))
    for entry in (entry for entry in catalog_of(situation) if entry.fits(situation)):
        layout, settings = Layout.of(entry.parameters), Settings.of(entry.parameters)
        index, rate = built(documents, layout)
        found: list[Found] = [(np.zeros(0, np.int64), np.zeros(0))] * len(asked.texts)
        for learnt, judged in folds_of(asked.groups):
            finder = Finder(index, settings, taught(index, settings, asked, learnt))
            for row, own in zip(
                judged, ranked(index, settings, finder.ranker, [asked.texts[row] for row in judged]), strict=True
            ):
                found[row] = own
        took = timed(finder, asked.texts[:200])[1]
        tell(
            entry.name,
            {metric: figure(metric, found, index, asked.judged) for metric in metrics},
            asked.groups,
            {"bm25s on words": theirs},
            rate,
            took,
        )


def searches(options: argparse.Namespace) -> None:
    """As many trials for a joint search as for one stage after the other; both winners on questions neither has seen."""
    documents, train, test = (
        read_documents(options.path),
        read_asked(options.path, "train"),
        read_asked(options.path, options.test),
    )
    sample = part_of(train, options.questions)
    tried: dict[str, Figures] = {}
    indexes: dict[Layout, CorpusIndex] = {}

    def index_of(layout: Layout) -> CorpusIndex:
        if layout not in indexes:
            indexes[layout] = built(documents, layout)[0]
        return indexes[layout]

    def loss(values: Mapping[str, Any]) -> float:
        return -float(np.nanmean(cross_validated(index_of(layout_of(values)), settings_of(values), sample)))

    for seed in range(options.seeds):
        winners = {"joint": joint(loss, options.trials, seed), "greedy": greedy(loss, options.trials, seed)}
        for name, values in winners.items():
            index, settings = index_of(layout_of(values)), settings_of(values)
            ranker = taught(index, settings, train, range(len(train.texts)))
            tried[name] = figure("ndcg@10", ranked(index, settings, ranker, test.texts), index, test.judged)
            print(f"seed {seed} {name}: test ndcg@10 {interval(tried[name], test.groups)}; {json.dumps(values)}")
        print(
            f"seed {seed} joint - greedy: {interval(tried['joint'] - tried['greedy'], test.groups)}, n {len(test.texts)}",
            flush=True,
        )


SPACE: Mapping[str, Sequence[Any]] = {
    "tokenizer": ("words", "english"), "size": (0, 1_000), "k1": (0.6, 0.9, 1.2, 1.6, 2.0), "b": (0.3, 0.5, 0.75, 0.9),
    "title": (0.0, 0.2, 0.5), "mix": (0.0, 0.2, 0.4, 0.8), "feedback": (0, 10, 20, 40), "feedback_weight": (0.1, 0.3, 0.5),
    "ranked": (False, True), "strength": (0.1, 0.3, 1.0, 3.0), "depth": (50, 100),
}  # fmt: skip
STAGES = (("size", "tokenizer"), ("k1", "b"), ("title", "mix"), ("feedback", "feedback_weight"), ("ranked", "strength", "depth"))
BEGIN = {"tokenizer": "words", "size": 0, "k1": 1.2, "b": 0.75, "title": 0.0, "mix": 0.0, "feedback": 0, "feedback_weight": 0.3,
         "ranked": False, "strength": 0.3, "depth": 100}  # fmt: skip


def layout_of(values: Mapping[str, Any]) -> Layout:
    return Layout(values["size"], 0.2 if values["size"] else 0.0, values["tokenizer"], "grams", 128, False)


def settings_of(values: Mapping[str, Any]) -> Settings:
    return Settings.of(values)


def joint(loss: Callable[[Mapping[str, Any]], float], trials: int, seed: int) -> dict[str, Any]:
    """All settings at once, by a tree-structured Parzen estimator that starts where the greedy search starts."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(trials // 3, 4), multivariate=True)
    )
    study.enqueue_trial(BEGIN)
    study.optimize(lambda trial: loss({name: trial.suggest_categorical(name, list(own)) for name, own in SPACE.items()}), trials)
    return dict(study.best_params)


def greedy(loss: Callable[[Mapping[str, Any]], float], trials: int, seed: int) -> dict[str, Any]:
    """One stage after the other, each with its share of the trials drawn at random, the best kept for the next."""
    rng = np.random.default_rng(seed)
    best, least = dict(BEGIN), loss(BEGIN)
    left = trials - 1
    for number, stage in enumerate(STAGES):
        share = round(left / (len(STAGES) - number))
        left -= share
        kept = dict(best)
        for _ in range(share):
            values = {**kept, **{name: SPACE[name][rng.integers(len(SPACE[name]))] for name in stage}}
            found = loss(values)
            if found < least:
                best, least = values, found
    return best


def scale(options: argparse.Namespace) -> None:
    """Chunks of sentences drawn from words by Zipf's law, as the pipeline lays out a library of that size."""
    rng = np.random.default_rng(0)
    documents = drawn_documents(options.chunks, rng)
    situation = Situation("en", "english", options.chunks, 0)
    entry = next(entry for entry in catalog_of(situation) if entry.family == "ranked")
    began = time.perf_counter()
    index = CorpusIndex.build(documents, pl.DataFrame(schema=PARTS), Layout.of(entry.parameters))
    took, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{options.chunks} chunks indexed in {took:.0f} s ({options.chunks / took:.0f}/s), peak memory {peak:.2f} GiB", flush=True
    )
    settings = Settings.of(entry.parameters)
    finder = Finder(index, settings, Ranker(np.ones(len(study_of(index, settings, DEPTH).of(["one"])[0].features[0]))))
    texts = index.corpus.texts
    asked = [" ".join(rng.permutation(texts[at].split())[:12]) for at in rng.integers(0, len(texts), 500)]
    finder.find(asked[:3], 10)
    seconds = [timed(finder, [question])[1][0] for question in asked]
    print(f"query: p50 {1e3 * np.median(seconds):.1f} ms, p99 {1e3 * np.percentile(seconds, 99):.1f} ms, n {len(seconds)}")
    began = time.perf_counter()
    newer = index.added(frame([("new", "Unicorn", "quartz unicorn resonator")]), pl.DataFrame(schema=PARTS))
    first = Finder(newer, settings, finder.ranker).find(["quartz unicorn"], 1)[0][0].document
    print(f"an added document was found ({first}) {time.perf_counter() - began:.2f} s after it came")


def drawn_documents(count: int, rng: np.random.Generator) -> pl.DataFrame:
    """About 800 characters a document from 60,000 made-up words."""
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    words = ["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(60_000)]
    share = 1.0 / np.arange(10, len(words) + 10)
    numbers = rng.choice(len(words), (count, 120), p=share / share.sum())
    return frame([(f"d{row}", words[own[0]], " ".join(words[at] for at in own) + ".") for row, own in enumerate(numbers)])


def frame(rows: Sequence[tuple[str, str, str]]) -> pl.DataFrame:
    """Documents of id, title and text."""
    empty = {name: [] if name == "access" else "" for name in DOCUMENTS}
    made = [{**empty, "document_id": ident, "title": title, "text": text} for ident, title, text in rows]
    return pl.DataFrame(made, schema=DOCUMENTS)


def read_documents(folder: Path) -> pl.DataFrame:
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        return frame([(row["_id"], row["title"], row["text"]) for row in map(json.loads, lines)])


def read_asked(folder: Path, part: str) -> Asked:
    with gzip.open(folder / f"queries_{part}.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {row["_id"]: row["text"] for row in map(json.loads, lines)}
    judged: dict[str, dict[str, Relevant]] = {ident: {} for ident in texts}
    qrels = pl.read_csv(
        folder / f"qrels_{part}.tsv", separator="\t", schema_overrides={"query-id": pl.String, "corpus-id": pl.String}
    )
    for question, document, grade in qrels.select("query-id", "corpus-id", "score").iter_rows():
        judged[question][document] = Relevant(float(grade))
    own = [judged[ident] for ident in texts]
    return Asked(list(texts.values()), own, connected(own))


def read_squad(path: Path) -> tuple[pl.DataFrame, Asked]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    rows, texts, judged, groups = [], [], [], []
    for number, article in enumerate(articles):
        for place, paragraph in enumerate(article["paragraphs"]):
            ident = f"{article['title']}#{place}"
            rows.append((ident, article["title"], paragraph["context"]))
            for asked in paragraph["qas"]:
                texts.append(asked["question"])
                judged.append({ident: Relevant(1.0)})
                groups.append(number)
    return frame(rows), Asked(texts, judged, np.array(groups))


def connected(judged: Sequence[Judged]) -> NDArray[np.int64]:
    """Questions connected through documents they share."""
    place: dict[str, int] = {}
    pairs = [(row, place.setdefault(document, len(place))) for row, own in enumerate(judged) for document in own]
    rows, columns = np.array(pairs).T
    count = len(judged) + len(place)
    return np.asarray(
        connected_components(coo_array((np.ones(len(rows)), (rows, columns + len(judged))), (count, count)))[1][: len(judged)]
    )


def built(documents: pl.DataFrame, layout: Layout) -> tuple[CorpusIndex, float]:
    """An index and how many documents went into it in a second of processor time, whatever else the machine does."""
    began = time.process_time()
    index = CorpusIndex.build(documents, pl.DataFrame(schema=PARTS), layout)
    return index, documents.height / (time.process_time() - began)


def taught(index: CorpusIndex, settings: Settings, asked: Asked, rows: Sequence[int]) -> Ranker | None:
    if not settings.ranked:
        return None
    found = study_of(index, settings, DEPTH).of([asked.texts[row] for row in rows])
    grades = [grades_of(own.order, index.corpus, asked.judged[row]) for row, own in zip(rows, found, strict=True)]
    return Ranker.learnt([own.features for own in found], grades, settings.strength)


def ranked(index: CorpusIndex, settings: Settings, ranker: Ranker | None, texts: Sequence[str]) -> list[Found]:
    if ranker is None:
        return Finder(index, replace(settings, ranked=False)).ranked(texts, count=DEPTH)
    return [own.ranked(ranker) for own in study_of(index, settings, DEPTH).of(texts)]


def cross_validated(index: CorpusIndex, settings: Settings, asked: Asked) -> Figures:
    """nDCG@10 of each question, by a ranker that has not seen its group."""
    figures = np.full(len(asked.texts), np.nan)
    for learnt, judged in folds_of(asked.groups) if settings.ranked else [((), range(len(asked.texts)))]:
        ranker = taught(index, settings, asked, learnt) if settings.ranked else None
        found = ranked(index, settings, ranker, [asked.texts[row] for row in judged])
        figures[list(judged)] = figure("ndcg@10", found, index, [asked.judged[row] for row in judged])
    return figures


def part_of(asked: Asked, count: int) -> Asked:
    """Some of the questions, drawn at random."""
    rows = np.sort(np.random.default_rng(7).permutation(len(asked.texts))[:count])
    return Asked([asked.texts[row] for row in rows], [asked.judged[row] for row in rows], asked.groups[rows])


def folds_of(groups: NDArray[np.int64]) -> list[tuple[list[int], list[int]]]:
    """Groups dealt out at random, whole."""
    dealt = np.random.default_rng(7).integers(0, FOLDS, groups.max() + 1)[groups]
    return [(np.flatnonzero(dealt != part).tolist(), np.flatnonzero(dealt == part).tolist()) for part in range(FOLDS)]


def timed(finder: Finder, texts: Sequence[str]) -> tuple[list[Found], list[float]]:
    """What is found, one question after another, and the seconds of processor time each took."""
    found, seconds = [], []
    for text in texts:
        began = time.process_time()
        found += finder.ranked([text], count=DEPTH)
        seconds.append(time.process_time() - began)
    return found, seconds


def figure(metric: str, found: Sequence[Found], index: CorpusIndex, judged: Sequence[Judged]) -> Figures:
    gains = np.array([gains_of(chunks, index.corpus, own, DEPTH) for (chunks, _), own in zip(found, judged, strict=True)])
    return ranking_figure(metric, gains, [[relevant.grade for relevant in own.values()] for own in judged])


def with_bm25s(
    documents: pl.DataFrame, asked: Asked, stopwords: str | None, stemmer: str
) -> tuple[dict[str, Figures], float, list[float]]:
    """bm25s over titles and texts, without the function words of a language and with a stemmer where they are named."""
    options: dict[str, Any] = {"show_progress": False, "stopwords": stopwords}
    options |= {"stemmer": Stemmer.Stemmer(stemmer)} if stemmer else {}
    texts = [f"{title} {text}" for title, text in documents.select("title", "text").iter_rows()]
    began = time.process_time()
    other = bm25s.BM25()
    other.index(bm25s.tokenize(texts, **options), show_progress=False)
    rate = len(texts) / (time.process_time() - began)
    ids, gains, seconds = documents["document_id"].to_list(), [], []
    for text, judged in zip(asked.texts, asked.judged, strict=True):
        began = time.process_time()
        found = other.retrieve(bm25s.tokenize([text], **options), k=min(DEPTH, len(ids)), show_progress=False)[0][0]
        seconds.append(time.process_time() - began)
        gains.append([judged[ids[at]].grade if ids[at] in judged else 0.0 for at in found])
    grades = [[relevant.grade for relevant in own.values()] for own in asked.judged]
    return {m: ranking_figure(m, np.array(gains), grades) for m in ("ndcg@10", "recall@100", "recall@5", "mrr@10")}, rate, seconds


def tell(
    name: str, figures: Mapping[str, Figures], groups: NDArray[np.int64], others: Mapping[str, Mapping[str, Figures]],
    rate: float, seconds: Sequence[float],
) -> None:  # fmt: skip
    """Print figures with intervals, and the gain in the first of them over each of others."""
    parts = [f"{metric} {interval(own, groups)}" for metric, own in figures.items()]
    metric, own = next(iter(figures.items()))
    parts += [f"gain in {metric} over {other} {interval(own - theirs[metric], groups)}" for other, theirs in others.items()]
    speed = f"{rate:,.0f} documents/s, p50 {1e3 * np.median(seconds):.1f} ms, p99 {1e3 * np.percentile(seconds, 99):.1f} ms"
    print(f"{name}: {', '.join(parts)}, n {len(groups)}; {speed}", flush=True)


def interval(figures: Figures, groups: NDArray[np.int64]) -> str:
    """A mean with its 95 % interval: whole groups drawn again and again."""
    codes = np.unique(groups, return_inverse=True)[1]
    sums, counts = np.bincount(codes, figures), np.bincount(codes)
    drawn = np.random.default_rng(0).integers(0, len(sums), (RESAMPLES, len(sums)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5])
    return f"{figures.mean():.4f} ({low:.4f} to {high:.4f})"


if __name__ == "__main__":
    main()
