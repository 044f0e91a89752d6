"""Documents, questions and judgements become the tables of a data set; what cannot be read is set aside with the reason."""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sevenstep.data.documents.anchors import anchored
from sevenstep.data.documents.near import near_duplicates, resemblance, shingles
from sevenstep.data.documents.parsing import Kept
from sevenstep.data.documents.questions import connected
from sevenstep.data.fingerprints import fingerprint_data
from sevenstep.data.intake import Intake, intake
from sevenstep.errors import InputError
from sevenstep.spec import read_spec
from sevenstep.spec.sources import Data
from sevenstep.tasks.registry import grammars

LINES = (
    "pump.md",
    "# Pump\n\nThe pump runs at 3 bar.\n\n## Seals\n\n| part | torque |\n|---|---|\n| flange | 25 Nm |\n\nReplace it yearly.\n",
)


def jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def taken(base: Path, data: Mapping[str, Any], kept: Kept | None = None) -> Intake:
    return intake(Data.model_validate(data), base, kept=kept)


def judged(base: Path) -> dict[str, Any]:
    """Three documents, four questions, judgements of three of them."""
    jsonl(base / "corpus.jsonl.gz", [
        {"_id": "d1", "title": "One", "text": "Alpha is the first letter.", "level": "high"},
        {"_id": "d2", "title": "Two", "text": "Beta is the second letter.", "level": "low"},
        {"_id": "d3", "title": "Three", "text": "   ", "level": "low"},
    ])  # fmt: skip
    jsonl(base / "questions.jsonl", [
        {"_id": 4, "text": "What is alpha?", "kind": "what"}, {"_id": 1, "text": "Which letter is first?", "kind": "which"},
        {"_id": 2, "text": "What is beta?", "kind": "what"}, {"_id": 3, "text": "What is omega?", "kind": "what"},
    ])  # fmt: skip
    (base / "judgements.tsv").write_text("q\td\tscore\n4\td1\t1\n1\td1\t2\n2\td2\t1\n9\td1\t1\n2\td9\t1\n3\td1\t0\n")
    return {
        "documents": {"path": "corpus.jsonl.gz", "id": "_id", "trust": "level", "licence": {"value": "CC0"}},
        "questions": {"path": "questions.jsonl"},
        "judgements": {"path": "judgements.tsv", "question": "q", "document": "d", "grade": "score"},
    }


def test_records_become_documents_questions_and_judgements(tmp_path: Path) -> None:
    found = taken(tmp_path, judged(tmp_path))
    assert found.items["question_id"].to_list() == ["1", "2", "3", "4"]
    assert found.items["passages"].to_list() == [True, True, True, True]
    assert found.items["answer"].null_count() == 4
    documents = found.beside["documents"]
    assert documents.select("document_id", "title", "trust", "licence", "source", "language").rows() == [
        ("d1", "One", "high", "CC0", "corpus.jsonl.gz", "en"), ("d2", "Two", "low", "CC0", "corpus.jsonl.gz", "en"),
    ]  # fmt: skip
    assert found.beside["judgements"].select("question_id", "document_id", "grade").rows() == [
        ("1", "d1", 2.0), ("2", "d2", 1.0), ("3", "d1", 0.0), ("4", "d1", 1.0),
    ]  # fmt: skip
    assert found.beside["parts"].rows() == [("d1", 0, 26, "text", None, None), ("d2", 0, 26, "text", None, None)]


def test_what_points_nowhere_or_holds_nothing_is_set_aside_with_the_reason(tmp_path: Path) -> None:
    aside = taken(tmp_path, judged(tmp_path)).quarantine
    assert set(aside.select("source", "row", "reason").rows()) == {
        ("documents", 3, "the record has no text or no id"),
        ("judgements", 4, "there is no question of that id"),
        ("judgements", 5, "there is no document of that id"),
    }


def test_questions_that_share_a_relevant_document_are_one_group_and_a_grade_of_zero_joins_none(tmp_path: Path) -> None:
    groups = dict(taken(tmp_path, judged(tmp_path)).items.select("question_id", "group").iter_rows())
    assert groups["4"] == groups["1"]
    assert len({groups["1"], groups["2"], groups["3"]}) == 3


def test_a_person_may_say_which_questions_stay_together_and_what_to_break_results_down_by(tmp_path: Path) -> None:
    data = judged(tmp_path) | {"groups": ["kind"], "segments": ["kind"]}
    items = taken(tmp_path, data).items
    assert dict(items.select("question_id", "group").iter_rows()) == {"4": "what", "1": "which", "2": "what", "3": "what"}
    assert items["kind"].to_list() == ["which", "what", "what", "what"]


def test_groups_are_the_connected_components_that_a_slow_search_finds() -> None:
    pairs = [("a", "x"), ("b", "y"), ("c", "x"), ("c", "y"), ("d", "z"), ("e", "w"), ("e", "v"), ("f", "v")]
    found = connected(list("abcdefg"), pairs)
    together = [{question for question, group in found.items() if group == name} for name in dict.fromkeys(found.values())]
    assert together == [{"a", "b", "c"}, {"d"}, {"e", "f"}, {"g"}]


def squad(**changed: Any) -> dict[str, Any]:
    paragraphs = [
        {"context": "서울은 한국의 수도이다. 인구는 천만이다.", "qas": [
            {"id": "1", "question": "한국의 수도는?", "answers": [{"text": "서울", "answer_start": 0}]},
            {"id": "2", "question": "인구는?", "answers": [{"text": "천만", "answer_start": 3},
                                                      {"text": "천만이다", "answer_start": 19}]},
            {"id": "3", "question": "면적은?", "answers": [], "is_impossible": True}]},
        {"context": "부산은 항구이다.", "qas": [
            {"id": "4", "question": "부산은?", "answers": [{"text": "공항", "answer_start": 4}]}]},
    ]  # fmt: skip
    return {"data": [{"title": "도시", "paragraphs": paragraphs} | changed]}


def test_paragraphs_of_squad_are_documents_and_answers_are_anchored_where_they_really_stand(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(json.dumps(squad()))
    found = taken(tmp_path, {"format": "squad", "source": "dev.json"})
    assert found.beside["documents"].select("document_id", "title", "language").rows() == [
        ("도시#1", "도시", "ko"),
        ("도시#2", "도시", "ko"),
    ]
    texts = dict(found.beside["documents"].select("document_id", "text").iter_rows())
    for row in found.beside["judgements"].to_dicts():
        if row["start"] is not None:
            assert texts[row["document_id"]][row["start"] : row["end"]] == row["answer"]
    assert found.beside["judgements"].filter(pl.col("start").is_null())["answer"].to_list() == ["공항"]
    assert found.items["answers"].to_list() == [["서울"], ["천만", "천만이다"], [], ["공항"]]
    assert found.items["group"].unique().to_list() == ["도시"]


def test_a_question_known_to_have_no_answer_is_told_from_one_of_which_nothing_is_known(tmp_path: Path) -> None:
    form = squad()
    form["data"][0]["paragraphs"][1]["qas"][0]["answers"] = []
    (tmp_path / "dev.json").write_text(json.dumps(form))
    items = taken(tmp_path, {"format": "squad", "source": "dev.json"}).items
    assert items["answers"].to_list() == [["서울"], ["천만", "천만이다"], [], None]
    assert items["answer"].to_list() == [True, True, True, None]
    assert items["passages"].to_list() == [True, True, None, None]


def test_a_file_of_another_form_is_told_as_no_squad(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text('{"rows": []}')
    with pytest.raises(InputError, match="has no list 'data' of articles with 'paragraphs'"):
        taken(tmp_path, {"format": "squad", "source": "dev.json"})


def folder(base: Path) -> dict[str, Any]:
    (base / "manuals" / "deep").mkdir(parents=True)
    (base / "manuals" / LINES[0]).write_text(LINES[1])
    (base / "manuals" / "deep" / "belt.html").write_text(
        "<html><head><title>Belt</title><meta name=date content=2024-01-02><script>bad()</script></head><body><h1>Belt</h1>"
        "<p>It runs at 2&nbsp;m/s.<div style='display:none'>hidden words</div>"
        "<table><tr><th>code<th>cause<tr><td>E1<td>jam</table>"
    )
    (base / "manuals" / "old.txt").write_bytes("펌프의 점검 주기는 육 개월이다.".encode("cp949"))
    (base / "manuals" / "old.txt.meta.yaml").write_text(
        "title: 옛 문서\ntrust: low\naccess: [staff, service]\nlicense: internal\n"
    )
    (base / "manuals" / ".hidden.md").write_text("no")
    jsonl(base / "questions.jsonl", [{"question": "how fast is the belt?", "answers": "2 m/s"}])
    return {"documents": {"path": "manuals/"}, "questions": {"path": "questions.jsonl"}}


def test_a_folder_of_files_keeps_sections_tables_encodings_and_tags(tmp_path: Path) -> None:
    found = taken(tmp_path, folder(tmp_path))
    documents = {row["document_id"]: row for row in found.beside["documents"].to_dicts()}
    assert list(documents) == ["deep/belt.html", "old.txt", "pump.md"]
    assert documents["old.txt"]["text"] == "펌프의 점검 주기는 육 개월이다."
    told = {key: documents["old.txt"][key] for key in ("title", "trust", "access", "licence", "language")}
    assert told == {"title": "옛 문서", "trust": "low", "access": ["staff", "service"], "licence": "internal", "language": "ko"}
    belt = documents["deep/belt.html"]
    assert (belt["title"], belt["date"]) == ("Belt", "2024-01-02")
    assert "hidden" not in belt["text"] and "bad()" not in belt["text"]
    parts = found.beside["parts"].filter(pl.col("kind") == "table").to_dicts()
    tables = {
        row["document_id"]: (documents[row["document_id"]]["text"][row["start"] : row["end"]], row["heading"]) for row in parts
    }
    assert tables["deep/belt.html"] == ("| code | cause |\n|---|---|\n| E1 | jam |", "Belt")
    assert tables["pump.md"] == ("| part | torque |\n|---|---|\n| flange | 25 Nm |", "Pump > Seals")


def test_parts_lie_in_their_text_in_order_and_do_not_overlap(tmp_path: Path) -> None:
    found = taken(tmp_path, folder(tmp_path))
    texts = dict(found.beside["documents"].select("document_id", "text").iter_rows())
    for ident, text in texts.items():
        parts = found.beside["parts"].filter(pl.col("document_id") == ident).to_dicts()
        assert all(text[part["start"] : part["end"]].strip() for part in parts)
        assert all(one["end"] <= other["start"] for one, other in pairwise(parts))
        assert "".join(text[part["start"] : part["end"]] for part in parts).replace("\n", "") == text.replace("\n", "")


def test_of_a_folder_in_which_one_document_changed_that_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for number in range(200):
        (tmp_path / "many" / f"{number:03}.md").write_text(f"# Sheet {number}\n\nvalue {number} of this one sheet\n")
    jsonl(tmp_path / "questions.jsonl", [{"question": "which?", "answers": ["1"]}])
    data = {"documents": {"path": "many/"}, "questions": {"path": "questions.jsonl"}}

    def again() -> tuple[int, Intake]:
        kept = Kept(tmp_path / "kept.sqlite", "v1")
        found = taken(tmp_path, data, kept)
        kept.save()
        return kept.read, found

    first, before = again()
    (tmp_path / "many" / "007.md").write_text("# Sheet 7\n\nmended\n")
    second, after = again()
    (tmp_path / "many" / "008.md").unlink()
    assert (first, second, again()[0]) == (200, 1, 0)
    changed = before.beside["documents"].join(after.beside["documents"], on=["document_id", "text"], how="anti")
    assert changed["document_id"].to_list() == ["007.md"]
    other = Kept(tmp_path / "kept.sqlite", "v2")
    taken(tmp_path, data, other)
    assert other.read == 199
    (tmp_path / "kept.sqlite").write_bytes(b"damaged" * 1000)
    assert again()[0] == 199


def archive(members: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return held.getvalue()


def test_an_archive_is_read_without_trusting_it(tmp_path: Path) -> None:
    members = {
        "good/pump.md": LINES[1].encode(), "good/pump.md.meta.yaml": b"trust: low\n", "../evil.md": b"# out",
        "/root.md": b"# out",
        "bomb.txt": b"0" * 30_000_000, "inner.zip": archive({"a.md": b"x"}), "empty.md": b"  ", "odd.exe": b"MZ",
    }  # fmt: skip
    (tmp_path / "all.zip").write_bytes(archive(members))
    jsonl(tmp_path / "questions.jsonl", [{"question": "which?", "answers": ["1"]}])
    found = taken(tmp_path, {"documents": {"path": "all.zip"}, "questions": {"path": "questions.jsonl"}})
    assert found.beside["documents"].select("document_id", "trust").rows() == [("all.zip/good/pump.md", "low")]
    aside = {json.loads(row["values"])["file"]: row["code"] for row in found.quarantine.to_dicts()}
    assert aside == {
        "all.zip/../evil.md": "DOCUMENT-PATH", "all.zip//root.md": "DOCUMENT-PATH", "all.zip/bomb.txt": "DOCUMENT-BOMB",
        "all.zip/inner.zip": "DOCUMENT-NESTED", "all.zip/empty.md": "DOCUMENT-NO-TEXT", "all.zip/odd.exe": "DOCUMENT-FORMAT",
    }  # fmt: skip


def test_links_in_a_tar_archive_are_set_aside(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as made:
        content = LINES[1].encode()
        info = tarfile.TarInfo("pump.md")
        info.size = len(content)
        made.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link.md")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    jsonl(tmp_path / "questions.jsonl", [{"question": "which?"}])
    found = taken(tmp_path, {"documents": {"path": "all.tar.gz"}, "questions": {"path": "questions.jsonl"}})
    assert found.beside["documents"]["document_id"].to_list() == ["all.tar.gz/pump.md"]
    assert found.quarantine["reason"].to_list() == ["it is a link or no file"]


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.pptx", "a.zip", "a.tar.gz", "a.txt", "a.md.gz"])
@pytest.mark.parametrize("content", [b"", b"\0\xff\xfe" * 500, b"PK\x03\x04 broken", b"%PDF-1.7 broken", b"\x1f\x8b\x08 broken"])
def test_no_broken_file_stops_the_reading_of_the_others(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / name).write_bytes(content)
    (tmp_path / "docs" / "fine.md").write_text(LINES[1])
    jsonl(tmp_path / "questions.jsonl", [{"question": "which?"}])
    found = taken(tmp_path, {"documents": {"path": "docs/"}, "questions": {"path": "questions.jsonl"}})
    assert "fine.md" in found.beside["documents"]["document_id"]
    assert found.beside["documents"].height + found.quarantine.height == 2


def test_nearly_equal_documents_are_marked_and_different_ones_are_not() -> None:
    words = [f"word{number}" for number in range(400)]
    text = " ".join(words)
    edited = " ".join([*words[:200], "changed", *words[201:]])
    half = " ".join([*words[:200], *(f"other{number}" for number in range(200))])
    assert near_duplicates([text, half, edited, "short", "short", ""]) == [None, None, 0, None, 3, None]
    assert resemblance(shingles(text), shingles(edited)) == pytest.approx(391 / 401)


def test_a_quote_is_found_again_in_an_edited_text() -> None:
    text = "The valve opens at 3 bar. Later the valve opens at 3 bar again."
    assert anchored(text, "opens at 3 bar", 10) == (10, 24)
    assert anchored("x" + text, "opens at 3 bar", 40) == (43, 57) == (text.rindex("opens") + 1, 57)
    assert anchored(text.replace(" at ", "\n at "), "opens at 3 bar", 10) == (10, 25)
    assert anchored(text, "opens at 4 bar", 10) is None


def golden(**changed: Any) -> str:
    row = {"id": "g1", "state": "accepted", "question": "How much torque?", "answer": "25 Nm", "document": "pump.md", "start": 70,
           "end": 75, "quote": "| flange | 25 Nm |", "kind": "table", "confidence": 0.9}  # fmt: skip
    return json.dumps(row | changed) + "\n"


def test_accepted_proposals_are_questions_and_find_their_words_again_after_an_edit(tmp_path: Path) -> None:
    data = folder(tmp_path)
    (tmp_path / "golden.jsonl").write_text(
        golden() + golden(id="g2", state="proposed") + golden(id="g3", quote="gone", answer="gone")
    )
    text = "# Pump\n\nA new first line.\n\n" + LINES[1].split("\n", 1)[1]
    (tmp_path / "manuals" / "pump.md").write_text(text)
    found = taken(tmp_path, data)
    assert found.items["question_id"].to_list() == ["1", "g1"]
    row = found.beside["judgements"].row(0, named=True)
    whole = found.beside["documents"].filter(pl.col("document_id") == "pump.md")["text"][0]
    assert whole[row["start"] : row["end"]] == "25 Nm"
    assert found.quarantine.select("code", "reason").rows() == [
        ("GOLDEN-LOST", "the words it was proposed from are no longer in the documents")
    ]


def test_answers_may_be_a_text_a_list_a_list_in_a_text_or_objects_with_a_text(tmp_path: Path) -> None:
    data = folder(tmp_path)
    given = ["2 m/s", ["2 m/s", "two"], '["2 m/s"]', [{"text": "2 m/s", "answer_start": 3}], [], None]
    lines = (json.dumps({"id": number, "question": "how fast?", "answers": value}) for number, value in enumerate(given))
    (tmp_path / "questions.jsonl").write_text("\n".join(lines))
    read = {number: taken(tmp_path, data | {"questions": {"path": f"q{number}.jsonl"}}) for number in _each(tmp_path)}
    assert {number: found.items["answers"].to_list()[0] for number, found in read.items()} == {
        0: ["2 m/s"], 1: ["2 m/s", "two"], 2: ["2 m/s"], 3: ["2 m/s"], 4: [], 5: None,
    }  # fmt: skip


def _each(base: Path) -> list[int]:
    """A file for each line: a column holds values of one kind."""
    lines = (base / "questions.jsonl").read_text().splitlines()
    for number, line in enumerate(lines):
        (base / f"q{number}.jsonl").write_text(line + "\n")
    return list(range(len(lines)))


def test_accepted_questions_alone_are_a_project_too(tmp_path: Path) -> None:
    data = folder(tmp_path)
    del data["questions"]
    (tmp_path / "golden.jsonl").write_text(golden())
    found = taken(tmp_path, data)
    assert (found.items["question_id"].to_list(), found.source) == (["g1"], "questions")
    assert set(fingerprint_data(Data.model_validate(data), tmp_path, {})) == {"questions", "documents", "golden"}


def test_documents_without_a_question_name_the_way_to_one(tmp_path: Path) -> None:
    data = folder(tmp_path)
    del data["questions"]
    with pytest.raises(InputError, match="sevenstep questions propose"):
        taken(tmp_path, data)


def test_fingerprints_follow_documents_sidecars_judgements_and_accepted_questions(tmp_path: Path) -> None:
    data = Data.model_validate(folder(tmp_path))
    cache: dict[tuple[str, int, int], str] = {}
    first = fingerprint_data(data, tmp_path, cache)
    (tmp_path / "manuals" / "old.txt.meta.yaml").write_text("trust: high\n")
    second = fingerprint_data(data, tmp_path, cache)
    (tmp_path / "golden.jsonl").write_text(golden())
    third = fingerprint_data(data, tmp_path, cache)
    assert first["documents"] != second["documents"] == third["documents"]
    assert first["questions"] == third["questions"]
    assert "golden" in third and "golden" not in second


def test_a_column_that_is_not_there_is_told_with_the_constant_it_may_have_meant(tmp_path: Path) -> None:
    data = judged(tmp_path)
    data["documents"]["trust"] = "checked"
    with pytest.raises(InputError, match=r"the same value for all is trust: \{value: checked\}"):
        taken(tmp_path, data)


SHARED = Path(__file__).parents[2] / "shared" / "specs"


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real data sets are not beside the checkout")
@pytest.mark.parametrize(("name", "size"), [("scifact", (5183, 809, 919)), ("korquad", (549, 3039, 3039))])
def test_the_real_sets_come_in_whole(name: str, size: tuple[int, int, int]) -> None:
    spec = read_spec(SHARED / f"{name}.yaml", grammars())
    found = intake(spec.data, spec.base)
    assert (found.beside["documents"].height, found.items.height, found.beside["judgements"].height) == size
    assert found.quarantine.is_empty()
