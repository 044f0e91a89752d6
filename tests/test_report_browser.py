"""The report in a real browser: it draws, it works by keyboard, it stays inside the window, and nothing in the data runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sample_chapters import sample_about, sample_chapters
from sevenstep.report.render import ReportAbout, render_report
from test_report import HOSTILE, hostile_chapters

CHROMIUM = Path("/usr/bin/chromium")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.is_file(), reason=f"Chromium is not installed at {CHROMIUM}"),
]
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=str(CHROMIUM), args=OPTIONS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(sample_chapters(series=40, days=100), sample_about()), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Any) -> Iterator[Open]:
    """Opens a file; the page's ``noise`` collects errors and warnings, ``requests`` every address it asked for."""
    contexts = []

    def open_page(path: Path, width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.noise, page.requests = [], []
        page.on("console", lambda message: page.noise.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.noise.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-drawn=all]", timeout=20_000)
        return page

    yield open_page
    for context in contexts:
        context.close()


def undrawn(page: Any) -> list[str]:
    return page.evaluate(
        "[...document.querySelectorAll('.chart')].filter(b => !b.querySelector('svg g.mark-symbol path, svg g.mark-rect path,"
        " svg g.mark-line path')).map(b => b.getAttribute('aria-label'))"
    )


def sideways(page: Any) -> int:
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def test_every_chart_draws_without_an_error_or_a_request(opened: Open, sample: Path) -> None:
    page = opened(sample)
    assert undrawn(page) == []
    assert page.noise == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []


def test_names_in_the_data_run_nothing(opened: Open, tmp_path: Path) -> None:
    about = ReportAbout(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE}, [{"id": HOSTILE, "goal": HOSTILE}], HOSTILE)
    path = tmp_path / "hostile.html"
    path.write_text(render_report(hostile_chapters(), about), encoding="utf-8")
    page = opened(path)
    page.on("dialog", lambda dialog: page.noise.append(f"dialog: {dialog.message}"))
    page.hover(".chart svg")
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.images.length") == 0
    assert page.noise == []
    assert undrawn(page) == []


def test_the_explorer_is_worked_by_keyboard(opened: Open, sample: Path) -> None:
    page = opened(sample)
    shown = lambda: page.locator(".explorer").get_attribute("data-chosen")  # noqa: E731
    drawn = lambda: page.locator(".explorer .chart svg").inner_html()  # noqa: E731
    assert shown() == "All stores"
    before = drawn()
    page.focus(".explorer input")
    page.keyboard.press("ArrowDown")
    assert shown() == "Nordrhein-Westfalen" and drawn() != before
    page.keyboard.type("store 17")
    assert shown() == "Store 17"
    assert page.locator(".explorer [role=option]:visible").count() == 1
    page.keyboard.press("Tab")
    page.focus(".explorer .step-on")
    page.keyboard.press("Enter")
    assert shown() == "Store 18"
    assert page.locator(".explorer [aria-selected=true]").count() == 1
    page.locator(".explorer summary").press("Enter")
    page.locator(".explorer details tbody tr").last.wait_for(state="attached")  # a fold tells the page a little later
    assert page.locator(".explorer details tbody tr").count() == 100
    assert page.noise == []


def test_an_explorer_of_two_hundred_series_switches_within_a_blink(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_text(render_report(sample_chapters(series=200)[5:6], sample_about()), encoding="utf-8")
    page = opened(path)
    spent = page.evaluate("""() => {
        const next = document.querySelector('.explorer .step-on');
        const start = performance.now();
        for (let turn = 0; turn < 20; turn += 1) next.click();
        return (performance.now() - start) / 20;
    }""")
    assert spent < 200, "milliseconds to another series, on a machine that is shared"


def test_dark_and_light_redraw_the_charts(opened: Open, sample: Path) -> None:
    page = opened(sample, color_scheme="dark")
    ground = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    label = lambda: page.locator("#define .chart svg text").first.get_attribute("fill")  # noqa: E731
    dark = ground(), label()
    page.click(".theme-button")
    page.wait_for_timeout(600)
    light = ground(), label()
    assert dark[0] == "rgb(16, 21, 26)" and light[0] == "rgb(246, 246, 242)"
    assert dark[1] != light[1]
    assert page.noise == []


@pytest.mark.parametrize("width", [390, 820])
def test_the_page_never_scrolls_sideways(opened: Open, sample: Path, width: int) -> None:
    page = opened(sample, width)
    assert sideways(page) <= 0
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert sideways(page) <= 0


def test_on_a_phone_the_chapters_are_in_a_menu_and_the_series_in_a_list_that_opens(opened: Open, sample: Path) -> None:
    page = opened(sample, 390)
    assert not page.locator("nav").is_visible()
    page.click(".menu-button")
    page.click("nav a[href='#tune']")
    assert not page.locator("nav").is_visible()
    page.click(".explorer .open-list")
    page.keyboard.type("hessen")
    page.keyboard.press("Enter")
    assert page.locator(".explorer .open-list .chosen").inner_text() == "Hessen"
    assert not page.locator(".explorer .chooser").is_visible()


def test_a_table_sorts_filters_and_shows_all(opened: Open, sample: Path) -> None:
    page = opened(sample)
    table = page.locator(".block.table", has_text="Every store")
    visible = table.locator("tbody tr:visible")
    assert visible.count() == 10
    table.locator(".show-all").click()
    assert visible.count() == 240
    table.locator("th button", has_text="WAPE").click()
    values = [float(text.split()[0]) for text in table.locator("tbody td:nth-child(3)").all_inner_texts()]
    assert values == sorted(values)
    table.locator("th button", has_text="WAPE").click()
    assert table.locator("th[aria-sort=descending]").count() == 1
    values = [float(text.split()[0]) for text in table.locator("tbody td:nth-child(3)").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    table.locator(".filter").fill("hessen")
    assert visible.count() == 48
    assert table.locator(".count").inner_text() == "48 of 240 rows"


def test_a_tooltip_names_its_values(opened: Open, sample: Path) -> None:
    page = opened(sample)
    bar = page.locator("#collect .chart svg g.mark-rect.layer_0_marks path").first
    bar.scroll_into_view_if_needed()
    bar.hover()
    assert page.locator(".tooltip dd").all_inner_texts() == ["complete", "99.4 %"]
    place = page.locator(".explorer .chart")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_timeout(200)
    labels, values = (page.locator(f".tooltip {name}").all_inner_texts() for name in ("dt", "dd"))
    assert labels == ["Time", "Actual", "Prediction", "80 % bounds", "95 % bounds"]
    assert "2015-05-15" < values[0] < "2015-06-12" and float(values[1].replace(",", "")) > 1_000_000


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Seoul"])
def test_days_are_the_same_in_every_time_zone(opened: Open, sample: Path, zone: str) -> None:
    page = opened(sample, timezone_id=zone)
    labels = page.locator("#prepare .chart").first.locator("svg .role-axis-label text").all_text_contents()
    assert "Jan 2014" in labels
    page.locator(".explorer summary").press("Enter")
    assert page.locator(".explorer details tbody td").first.inner_text() == "2015-03-04"
    days = page.locator(".explorer .chart svg .role-axis-label text").all_text_contents()
    assert "1 Apr" in days


def test_paper_shows_all_chapters_in_light_without_the_navigation(opened: Open, sample: Path) -> None:
    page = opened(sample, color_scheme="dark")
    page.emulate_media(media="print")
    light = "document.querySelector('#define .chart svg text')?.getAttribute('fill') === '#566270'"
    page.wait_for_function(light, timeout=20_000)  # charts are drawn again in light, which takes a busy machine a while
    page.wait_for_timeout(800)
    assert not page.locator(".side").is_visible()
    assert page.locator("section.chapter:visible").count() == 7
    assert undrawn(page) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#define .chart svg text").first.get_attribute("fill") == "#566270"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_keyboard_reaches_the_report_past_the_navigation(opened: Open, sample: Path) -> None:
    page = opened(sample)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_without_javascript_the_figures_are_still_there(browser: Any, sample: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(sample.as_uri())
    assert page.locator(".block.table", has_text="Every store").locator("tbody tr:visible").count() == 240
    assert page.locator("#define details").count() == 2
    context.close()
