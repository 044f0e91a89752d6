"""The report: the chapters of a run as one HTML file that needs nothing else, online or off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sevenstep.chapter import Chapter
from sevenstep.errors import InternalError
from sevenstep.report.about import ReportAbout, kpis_of, verdict_of
from sevenstep.report.blocks import ChapterView, PageData, chapter_view
from sevenstep.report.charts.theme import chart_theme
from sevenstep.report.colours import DARK, LIGHT, Colours
from sevenstep.report.embed import chart_library, content_policy, page_script, page_style, safe_json
from sevenstep.report.formats import plain
from sevenstep.report.tiles import tile
from sevenstep.report.words import STEPS, Words, words_for

__all__ = ["ReportAbout", "colour_rules", "render_report"]

_SCRIPT_WORDS = (
    "show_all", "show_fewer", "rows_shown", "place", "actual", "prediction", "within_80", "within_95", "origin", "time", "dark",
    "light", "nothing_found", "nothing_drawn",
)  # fmt: skip


def render_report(chapters: Sequence[Chapter], about: ReportAbout, *, language: str = "en") -> str:
    """The chapters as one self-contained HTML document; equal arguments give equal text.

    Args:
        chapters: those there are, in the order of the steps; steps not run yet are named in the navigation.
        about: name, task, charter, KPIs and hashes of the run.
        language: ``en`` or ``ko``, for the fixed words; texts inside chapters come as they are.

    Raises:
        InputError: ``REPORT-LANGUAGE`` for a language the report does not speak.
        InternalError: ``REPORT-STEP`` for a chapter of an unknown step, ``REPORT-SERIES`` and ``REPORT-LENGTH`` for a torn
            explorer, ``REPORT-TIME`` for a time that is not ISO text.
    """
    words, data = words_for(language), PageData()
    views = [chapter_view(chapter, _number(chapter), words, data) for chapter in chapters]
    library, script = chart_library(), page_script()
    return _environment().get_template("report.html.j2").render(
        words=words,
        about=about,
        chapters=views,
        steps=_steps(views, words),
        tiles=[tile(kpi, words) for kpi in kpis_of(about, chapters)],
        verdict=verdict_of(chapters),
        headline=about.headline or (chapters[-1].answer if chapters else ""),
        charter=[(words.texts.get(key, plain(key)), text) for key, text in about.charter.items()],
        made_of=[(_made_label(key, words), text) for key, text in about.made_of.items()],
        task=words.known("task", about.task),
        colours=Markup(colour_rules()),
        style=Markup(page_style()),
        policy=content_policy(library, script),
        library=Markup(library),
        script=Markup(script),
        data=Markup(safe_json(_page_data(data, words))),
    )  # fmt: skip


def _made_label(key: str, words: Words) -> str:
    return words.known("step", key) if key in STEPS else words.known("made", key)


def _number(chapter: Chapter) -> int:
    if chapter.step not in STEPS:
        raise InternalError(
            "REPORT-STEP", f"chapter of step '{chapter.step}'", f"steps are {', '.join(STEPS)}", "use one of them"
        )
    return STEPS.index(chapter.step) + 1


def _steps(views: Sequence[ChapterView], words: Words) -> list[dict[str, Any]]:
    """All seven steps for the navigation, run or not."""
    gates = {view.step: view.gate for view in views}
    return [
        {"step": step, "number": number, "name": words.known("step", step), "ran": step in gates, "gate": gates.get(step, "")}
        for number, step in enumerate(STEPS, start=1)
    ]


def _page_data(data: PageData, words: Words) -> Mapping[str, Any]:
    fixed = {key: words.say(key) if "{" not in words.texts[key] else words.texts[key] for key in _SCRIPT_WORDS}
    return {
        "language": words.language,
        "words": fixed,
        "locale": _locale(words),
        "themes": {"light": chart_theme(LIGHT), "dark": chart_theme(DARK)},
        "charts": data.charts,
        "explorers": data.explorers,
    }


def _locale(words: Words) -> dict[str, Any]:
    """How Vega writes months and days; nothing for English, which it knows."""
    if words.language == "en":
        return {}
    import vl_convert

    return {"time": vl_convert.get_time_format_locale("ko-KR")}


def colour_rules() -> str:
    """The colours as CSS variables, light and dark, by the reader's choice or that of the screen."""
    light, dark = _variables(LIGHT, "light"), _variables(DARK, "dark")
    return (
        f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n"
        f"@media screen{{:root[data-theme=dark]{{{dark}}}}}\n"
    )


def _variables(colours: Colours, scheme: str) -> str:
    return f"color-scheme:{scheme};" + "".join(f"--{name}:{value};" for name, value in colours.items())


@cache
def _environment() -> Environment:
    loader = PackageLoader("sevenstep.report", "page")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_unbroken
    )


def _unbroken(value: Any) -> Any:
    """Texts whose percent signs stay on the line of their figure."""
    return value.replace(" %", "\u00a0%") if isinstance(value, str) and not isinstance(value, Markup) else value
