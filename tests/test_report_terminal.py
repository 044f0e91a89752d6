"""The same chapters in the terminal and in a notebook: nothing lost, nothing obeyed."""

from __future__ import annotations

import io
import re

from rich.console import Console

from sample_chapters import sample_chapters
from sevenstep.chapter import Chapter, Column, Figure, Table
from sevenstep.report.notebook import chapters_html
from sevenstep.report.terminal import chapter_text, sparkline


def printed(chapter: Chapter, language: str = "en") -> str:
    stream = io.StringIO()
    Console(file=stream, width=140, force_terminal=False).print(chapter_text(chapter, language=language))
    return stream.getvalue()


def test_every_chapter_prints_its_answer_and_the_title_of_every_block() -> None:
    for chapter in sample_chapters(8, 60):
        text = " ".join(printed(chapter).split())
        assert chapter.answer in text
        assert all(block.title in text for block in chapter.blocks)


def test_the_state_of_a_gate_has_a_mark_and_a_word() -> None:
    assert "1 Define  ▲ Go with risk" in printed(sample_chapters(8, 60)[0])
    assert "1 정의  ▲ 위험을 안고 진행" in printed(sample_chapters(8, 60)[0], "ko")


def test_a_figure_becomes_a_table_with_its_intervals() -> None:
    figure = Figure("F", "dots", [{"y": "ets", "x": 0.117, "low": 0.114, "high": 0.12}], x_label="WAPE")
    assert re.search(r"ets\s+0\.117 \(0\.114–0\.120\)", printed(Chapter("train", "Train", "Done.", blocks=[figure])))


def test_a_long_line_becomes_a_sparkline_from_its_first_to_its_last_value() -> None:
    figure = Figure("F", "line", [{"x": n, "y": float(n)} for n in range(100)], x_type="number")
    text = printed(Chapter("train", "Train", "Done.", blocks=[figure]))
    assert "▁" in text and "█" in text and "0 → 99" in text


def test_a_sparkline_spans_its_values_and_keeps_gaps() -> None:
    assert sparkline([0.0, 7.0]) == "▁█"
    assert sparkline([1.0, None, 3.0]) == "▁ █"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([None, None]) == ""
    assert len(sparkline([float(n) for n in range(1000)], 20)) == 20


def test_names_in_the_data_neither_steer_the_terminal_nor_act_as_markup() -> None:
    table = Table("[red]T[/red]", [Column("a", "A")], [{"a": "\x1b[2J[bold]x[/bold]"}])
    text = printed(Chapter("train", "Train", "[blink]hello[/blink]", blocks=[table]))
    assert "\x1b" not in text
    assert "[blink]hello[/blink]" in text and "[red]T[/red]" in text and "[bold]x[/bold]" in text


def test_a_notebook_fragment_holds_pictures_and_tables_and_no_script() -> None:
    fragment = chapters_html(sample_chapters(8, 60))
    assert fragment.count("data:image/svg+xml;base64,") == 19
    assert "<script" not in fragment and "http" not in fragment
    assert fragment.strip().startswith("<div") and fragment.strip().endswith("</div>")


def test_a_notebook_fragment_escapes_what_it_is_given() -> None:
    table = Table("<b>T", [Column("a", "<i>")], [{"a": "<img src=x onerror=alert(1)>"}])
    fragment = chapters_html([Chapter("train", "Train", "<script>1</script>", blocks=[table])])
    assert "<img" not in fragment and "<script" not in fragment and "<b>T" not in fragment
