"""What each kind of file says: sections, pages and tables of files whose content is known; what is refused, and why."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from document_files import docx, pdf, pptx, xlsx
from sevenstep.data.documents.archives import LARGEST, unpacked
from sevenstep.data.documents.language import language_of_text
from sevenstep.data.documents.parsed import Parsed, table_text
from sevenstep.data.documents.parsing import parse, with_sidecar
from sevenstep.data.documents.refused import Refused


def parts(parsed: Parsed) -> list[tuple[str, int | None, str | None, str]]:
    return [(part.kind, part.page, part.heading, parsed.text[part.start : part.end]) for part in parsed.parts]


def test_a_pdf_keeps_pages_paragraphs_and_columns() -> None:
    first = [(72, 780, "The pump runs at three bar."), (72, 764, "It is cooled by water."), (72, 700, "A second paragraph.")]
    rows = [("Part", "Torque"), ("flange", "25 Nm"), ("housing", "40 Nm")]
    second = [(x, 780 - 16 * at, text) for at, row in enumerate(rows) for x, text in zip((72, 250), row, strict=True)]
    parsed = parse(pdf([first, second], "Pump"), "pdf", None)
    assert parsed.title == "Pump"
    assert parts(parsed) == [
        ("text", 1, None, "The pump runs at three bar.\nIt is cooled by water."),
        ("text", 1, None, "A second paragraph."),
        ("table", 2, None, "| Part | Torque |\n|---|---|\n| flange | 25 Nm |\n| housing | 40 Nm |"),
    ]


def test_a_pdf_without_text_or_with_a_password_is_refused() -> None:
    with pytest.raises(Refused, match="as those of a scan do"):
        parse(pdf([[]]), "pdf", None)
    keys = b"/O <" + b"41" * 32 + b"> /U <" + b"42" * 32 + b">"
    encrypt = b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 " + keys + b" /P -4 >> /ID [<01> <01>]"
    locked = pdf([[(72, 780, "secret")]]).replace(b"/Root 1 0 R", encrypt)
    with pytest.raises(Refused, match="it is encrypted"):
        parse(locked, "pdf", None)


def test_a_word_file_keeps_headings_and_tables() -> None:
    blocks = [
        ("Heading 1", "Pump"), ("", "It moves water."), ("Heading 2", "Torque"), ("table", [("part", "Nm"), ("flange", "25")]),
        ("Heading 1", "Notes"), ("List Bullet", "keep dry"),
    ]  # fmt: skip
    parsed = parse(docx(blocks, "Manual"), "docx", None)
    assert parsed.title == "Manual"
    assert parts(parsed) == [
        ("heading", None, "Pump", "Pump"),
        ("text", None, "Pump", "It moves water."),
        ("heading", None, "Pump > Torque", "Torque"),
        ("table", None, "Pump > Torque", "| part | Nm |\n|---|---|\n| flange | 25 |"),
        ("heading", None, "Notes", "Notes"),
        ("text", None, "Notes", "- keep dry"),
    ]


def test_slides_are_pages_with_their_tables_and_notes() -> None:
    slides = [("Start", "Switch it on.", [], "Speak slowly."), ("Data", "See below.", [("a", "b"), ("1", "2")], "")]
    parsed = parse(pptx(slides), "pptx", None)
    assert parts(parsed) == [
        ("heading", 1, "Start", "Start"), ("text", 1, "Start", "Switch it on."), ("text", 1, "Start", "Speak slowly."),
        ("heading", 2, "Data", "Data"), ("text", 2, "Data", "See below."),
        ("table", 2, "Data", "| a | b |\n|---|---|\n| 1 | 2 |"),
    ]  # fmt: skip


def test_sheets_are_sections_and_blocks_between_empty_rows_are_tables() -> None:
    rows = [("code", "cause"), ("E1", "jam"), (), ("part", "Nm"), ("flange", 25)]
    parsed = parse(xlsx({"Errors": rows, "비고": [("메모",), ("없음",)]}), "xlsx", None)
    assert parts(parsed) == [
        ("heading", None, "Errors", "Errors"),
        ("table", None, "Errors", "| code | cause |\n|---|---|\n| E1 | jam |"),
        ("table", None, "Errors", "| part | Nm |\n|---|---|\n| flange | 25 |"),
        ("heading", None, "비고", "비고"),
        ("table", None, "비고", "| 메모 |\n|---|\n| 없음 |"),
    ]


def test_markdown_keeps_its_head_code_and_tables_of_any_style() -> None:
    head = "---\ntitle: A title\naccess: [a, b]\n---\n# One\n\ntext\nmore\n\n"
    text = head + "```\n# no heading\n| no | table |\n```\n\nx | y\n--|--\n1 | 2\n"
    parsed = parse(text.encode(), "markdown", None)
    assert parsed.title == "A title"
    assert parsed.tags == {"title": "A title", "access": ["a", "b"]}
    assert [kind for kind, *_ in parts(parsed)] == ["heading", "text", "text", "table"]
    assert "# no heading" in parts(parsed)[2][3]


def test_text_files_have_pages_where_they_have_form_feeds() -> None:
    parsed = parse(b"one\n\ntwo\f three", "text", None)
    assert [(page, text) for _, page, _, text in parts(parsed)] == [(1, "one"), (1, "two"), (2, " three")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_korean_text_is_read_in_any_usual_encoding(encoding: str) -> None:
    text = "펌프의 정격 압력은 삼 바이며 매 오백 시간마다 점검한다."
    assert parse(text.encode(encoding), "text", None).text == text


def test_html_says_what_is_seen_and_in_which_encoding_it_is() -> None:
    page = (
        '<html><head><meta charset="euc-kr"><title>벨트</title><style>p{}</style></head><body><nav>menu</nav><h1>벨트</h1>'
        "<p>속도는<br>2 m/s이다.<p hidden>숨김</p><ul><li>하나<li>둘</ul>"
        "<table><tr><td>바깥<table><tr><td>안</table></td><td>칸</td></tr></table><script>x('<p>no</p>')</script>"
    )
    parsed = parse(page.encode("euc-kr"), "html", None)
    assert parsed.title == "벨트"
    assert [text for *_, text in parts(parsed)] == ["벨트", "속도는\n2 m/s이다.", "- 하나", "- 둘", "| 바깥안 | 칸 |"]


def test_a_page_nested_without_end_is_refused() -> None:
    with pytest.raises(Refused, match="nested more than"):
        parse(b"<div>" * 5000 + b"text", "html", None)


def test_a_sidecar_wins_over_the_head_and_a_broken_one_is_told() -> None:
    parsed = parse(b"---\ntitle: old\ntrust: low\n---\ntext", "markdown", None)
    told = with_sidecar(parsed, b"title: new\ndate: 2026-01-02\n")
    assert (told.title, told.tags["trust"], told.tags["date"]) == ("new", "low", "2026-01-02")
    with pytest.raises(Refused, match="its head is no YAML"):
        with_sidecar(parsed, b"title: [")
    with pytest.raises(Refused, match="its head has no keys"):
        with_sidecar(parsed, b"- a\n- b")


def test_office_files_that_are_none_or_grow_beyond_measure_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("word/document.xml", b" " * 60_000_000)
    for kind in ("docx", "pptx", "xlsx"):
        with pytest.raises(Refused, match="times its size"):
            parse(file.getvalue(), kind, None)
        with pytest.raises(Refused, match="encrypted, or in the format from before"):
            parse(b"\xd0\xcf\x11\xe0" + b"\0" * 600, kind, None)
        with pytest.raises(Refused, match=f"is no {kind.upper()} file"):
            parse(xlsx({"a": [(1,)]}) if kind != "xlsx" else docx([("", "x")]), kind, None)


def test_a_packed_file_is_unpacked_up_to_a_bound() -> None:
    import gzip

    assert unpacked("a.txt.gz", gzip.compress(b"hello")) == b"hello"
    assert unpacked("a.txt", b"hello") == b"hello"
    with pytest.raises(Refused, match="cannot be unpacked"):
        unpacked("a.txt.gz", b"hello")
    bomb = gzip.compress(b"\0" * 10_000_000, 1) * (LARGEST // 10_000_000 + 1)  # members of one file follow each other
    with pytest.raises(Refused, match="unpacks to more than"):
        unpacked("a.txt.gz", bomb)


def test_a_table_is_bars_with_a_line_under_its_header_and_no_empty_rows_or_columns() -> None:
    assert table_text([("a", "", "b|c"), ("", "", ""), ("1", None, "2\n3")]) == "| a | b/c |\n|---|---|\n| 1 | 2 3 |"  # type: ignore[list-item]
    assert table_text([]) == ""


def test_what_was_read_is_kept_and_read_back_whole() -> None:
    parsed = parse(b"# A\n\ntext\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "markdown", None)
    again = Parsed.from_json(parsed.to_json())
    assert (again.text, list(again.parts), again.title) == (parsed.text, list(parsed.parts), parsed.title)


@given(st.binary(max_size=400), st.sampled_from(["pdf", "docx", "xlsx", "pptx", "html", "markdown", "text"]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_bytes_whatever_make_a_reader_fail_otherwise_than_by_refusing(content: bytes, kind: str, damaged: bool) -> None:
    if damaged:
        whole = {"pdf": pdf([[(72, 780, "x")]]), "docx": DOCX, "xlsx": XLSX, "pptx": PPTX}.get(
            kind, b"<table><tr><td>a|b\n--|--\n"
        )
        at = len(content) * 37 % len(whole)
        content = whole[:at] + content + whole[at + len(content) :]
    try:
        parsed = parse(content, kind, None)
    except Refused as refused:
        assert refused.code.startswith("DOCUMENT-")
        return
    assert all(0 <= part.start < part.end <= len(parsed.text) for part in parsed.parts)


DOCX, XLSX = docx([("Heading 1", "A"), ("table", [("a", "b")])]), xlsx({"a": [("x", 1)]})
PPTX = pptx([("A", "b", [("c", "d")], "e")])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The pump is on the left of the belt.", "en"), ("펌프는 벨트의 왼쪽에 있다.", "ko"), ("Die Pumpe steht links.", "other"),
        ("", "other"), ("HP-200 모델의 압력은 3 bar", "ko"),
    ],
)  # fmt: skip
def test_the_language_of_a_text_is_told(text: str, language: str) -> None:
    assert language_of_text(text) == language
