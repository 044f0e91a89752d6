"""The report is one file that asks for nothing, says the same for the same chapters, and lets no name in the data act."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest

from sample_chapters import sample_about, sample_chapters
from sevenstep.chapter import Chapter, Column, Explorer, Figure, Table
from sevenstep.errors import InputError, InternalError
from sevenstep.report.embed import safe_json
from sevenstep.report.render import ReportAbout, render_report
from sevenstep.report.words import STEPS, words_for

HOSTILE = '</script><img src=x onerror="window.hacked=1">\u2028{{7*7}}\\"+alert(1)+"'


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, the text, and the contents of scripts by id."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def report() -> str:
    return render_report(sample_chapters(), sample_about())


def hostile_chapters() -> list[Chapter]:
    blocks = [
        Table(HOSTILE, [Column("a", HOSTILE, unit=HOSTILE)], [{"a": HOSTILE}], caption=HOSTILE),
        Figure(HOSTILE, "bars", [{"x": HOSTILE, "y": 1.0, "group": HOSTILE}], HOSTILE, HOSTILE, goal=1.0, goal_label=HOSTILE),
        Explorer(
            HOSTILE,
            [{"id": HOSTILE, "label": HOSTILE, "group": HOSTILE}],
            {HOSTILE: {"time": [1, 2], "actual": [1.0, 2.0]}},
            x_type="number",
        ),
    ]
    return [Chapter("train", HOSTILE, HOSTILE, HOSTILE, blocks)]


def test_nothing_in_the_file_points_outside(report: str) -> None:
    addresses = [
        value for _, attributes in Page(report).tags for name, value in attributes.items() if name in ("src", "href", "action")
    ]
    assert addresses, "the page has links of its own"
    assert all(address is not None and address.startswith(("#", "data:")) for address in addresses)
    style = re.findall(r"<style>(.*?)</style>", report, re.DOTALL)
    assert not re.search(r"@import|url\(", "".join(style))


def test_the_policy_forbids_every_request_and_names_exactly_the_scripts_of_the_page(report: str) -> None:
    page = Page(report)
    policy = next(attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'") and "http" not in policy
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    ran = page.scripts[1:]  # the first is data
    assert allowed == {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in ran}


def test_the_report_of_a_real_project_stays_below_two_and_a_half_megabytes() -> None:
    assert len(render_report(sample_chapters(series=110), sample_about()).encode()) < 2_500_000


def test_equal_chapters_give_equal_bytes_in_another_process_with_another_hash_seed(report: str) -> None:
    code = (
        "from sample_chapters import *; from sevenstep.report.render import render_report; import hashlib;"
        "print(hashlib.sha256(render_report(sample_chapters(), sample_about()).encode()).hexdigest())"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(report.encode()).hexdigest()


def test_every_chapter_opens_with_its_answer_and_stands_in_the_navigation(report: str) -> None:
    page = Page(report)
    for chapter in sample_chapters(series=8, days=60):
        assert chapter.answer in page.text
    links = {attributes.get("href") for tag, attributes in page.tags if tag == "a"}
    assert {f"#{step}" for step in STEPS} <= links


def test_a_step_that_has_not_run_is_named_and_not_linked() -> None:
    page = Page(render_report(sample_chapters(8, 60)[:2], sample_about()))
    assert "Operate not run yet" in page.text
    assert "#operate" not in {attributes.get("href") for _, attributes in page.tags}


def test_every_chart_has_a_description_and_its_figures_as_a_table(report: str) -> None:
    page = Page(report)
    charts = [attributes for tag, attributes in page.tags if attributes.get("class") == "chart"]
    assert len(charts) == 17 + 1 + 1, "one per figure, one more for the second KPI of the thread, one for the explorer"
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in charts)
    forms = {block.form for chapter in sample_chapters(8, 60) for block in chapter.blocks if isinstance(block, Figure)}
    assert forms == {"line", "bars", "dots", "histogram", "heatmap", "scatter", "thread", "control"}, (
        "the sample shows every form"
    )
    assert page.text.count("Show the figures") == 17 + 1


def test_names_in_the_data_stay_text() -> None:
    about = ReportAbout(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE}, [{"id": HOSTILE, "goal": HOSTILE}], HOSTILE)
    page = Page(render_report(hostile_chapters(), about))
    assert "img" not in [tag for tag, _ in page.tags]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert '<img src=x onerror="window.hacked=1">' in page.text
    assert "{{7*7}}" in page.text
    assert len(page.scripts) == 3


def test_embedded_data_comes_back_as_it_was_and_holds_no_markup() -> None:
    text = safe_json({"name": HOSTILE})
    assert json.loads(text) == {"name": HOSTILE}
    assert not set("<>&\u2028\u2029") & set(text)


def test_tiles_are_taken_from_the_newest_measured_stage_of_the_thread_when_none_are_given() -> None:
    rows = [
        {"kpi": "accuracy", "stage": "train", "value": 0.09, "low": 0.085, "high": 0.095, "state": "missed"},
        {"kpi": "accuracy", "stage": "tune", "value": 0.071, "low": 0.069, "high": 0.073, "state": "met"},
        {"kpi": "accuracy", "stage": "operate", "value": None, "low": None, "high": None, "state": "not_measured"},
    ]
    thread = Figure("Thread", "thread", rows, goal=0.08, goal_label="<= 0.08")
    page = Page(render_report([Chapter("tune", "Tune", "Done.", "met", [thread])], ReportAbout("shop", "forecast")))
    assert "accuracy 0.071 interval 0.069–0.073 Met goal ≤ 0.08" in page.text


def test_korean_changes_the_fixed_words_and_leaves_the_texts_of_the_chapters() -> None:
    chapters = sample_chapters(8, 60)
    report = render_report(chapters, sample_about(), language="ko")
    page = Page(report)
    assert ("html", {"lang": "ko"}) in page.tags
    assert "위험을 안고 진행" in page.text and "수치 보기" in page.text
    assert chapters[0].answer in page.text


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_things_with_the_same_places_to_fill() -> None:
    english, korean = words_for("en").texts, words_for("ko").texts
    assert set(english) == set(korean)
    for key, text in english.items():
        assert places(text) == places(korean[key]), key


def test_an_unknown_language_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"language 'de'.*\(en\).*\(ko\).*REPORT-LANGUAGE"):
        render_report([], ReportAbout("shop", "forecast"), language="de")


def test_a_chapter_of_no_step_and_a_torn_explorer_are_faults_of_ours() -> None:
    about = ReportAbout("shop", "forecast")
    with pytest.raises(InternalError, match="REPORT-STEP"):
        render_report([Chapter("deploy", "Deploy", "Done.")], about)
    torn = Explorer("E", [{"id": "a", "label": "A"}], {"a": {"time": [1, 2], "actual": [1.0]}}, x_type="number")
    with pytest.raises(InternalError, match="REPORT-LENGTH"):
        render_report([Chapter("tune", "Tune", "Done.", blocks=[torn])], about)
    lost = Explorer("E", [{"id": "b", "label": "B"}], {}, x_type="number")
    with pytest.raises(InternalError, match="REPORT-SERIES"):
        render_report([Chapter("tune", "Tune", "Done.", blocks=[lost])], about)


def test_empty_blocks_and_an_empty_run_still_make_a_report() -> None:
    empty = [Figure("F", "line", []), Table("T", [Column("a", "A")], []), Explorer("E", [], {})]
    page = Page(render_report([Chapter("train", "", "Nothing yet.", blocks=empty)], ReportAbout("shop", "forecast")))
    assert "No values to draw" in page.text
    assert render_report([], ReportAbout("shop", "forecast"))
