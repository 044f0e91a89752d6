"""The page a person opens: what serves, how it does, what is wrong; and the report of the run. No script, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import FileResponse, HTMLResponse, Response

from sevenstep.errors import InputError
from sevenstep.project import REPORT
from sevenstep.report.embed import page_style
from sevenstep.report.render import colour_rules
from sevenstep.report.tiles import Tile, tile
from sevenstep.report.words import words_for
from sevenstep.stats.metrics import METRICS
from sevenstep.tasks.answers import Answers
from sevenstep.web.knowledge import alarms_told, kpis_told, releases_told
from sevenstep.web.service import Service
from sevenstep.wording import counted

__all__ = ["environment", "page_routes", "page_words", "policy"]

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page_routes(service: Service) -> APIRouter:
    """``/`` and ``/report``."""
    router = APIRouter(tags=["pages"])

    @router.get("/", summary="What serves, how it does, what is wrong", response_class=HTMLResponse)
    def home() -> Response:
        return HTMLResponse(_home(service), headers=policy())

    @router.get("/report", summary="The report of the newest run", response_class=HTMLResponse)
    def report() -> Response:
        path = service.operation.store / REPORT
        if not path.is_file():
            raise InputError("REPORT-NONE", "there is no report", "a whole run writes one", "run sevenstep run")
        return FileResponse(path, media_type="text/html", headers={"content-security-policy": "frame-ancestors 'none'"})

    return router


def policy(form_action: str = "'none'") -> Mapping[str, str]:
    """Headers of a page: it runs no script and fetches nothing; ``form_action`` says where it may send a form."""
    return {"content-security-policy": _POLICY.replace("form-action 'none'", f"form-action {form_action}")}


def page_words(service: Service) -> Mapping[str, Any]:
    """What every page shows: whose it is, in which colours."""
    return {
        "name": service.operation.spec.name,
        "task": words_for("en").known("task", service.operation.spec.task),
        "colours": Markup(colour_rules()),
        "style": Markup(page_style()),
        "own_style": Markup((files("sevenstep.web") / "page" / "home.css").read_text(encoding="utf-8")),
        "words": words_for("en"),
    }


def _home(service: Service) -> str:
    operation = service.operation
    ready, alarms, made = service.champion.ready, alarms_told(operation), releases_told(operation)
    return environment().get_template("home.html.j2").render(
        **page_words(service),
        answers=ready and isinstance(service.champion.served.model, Answers),
        headline=_headline(service, len(alarms)),
        has_report=(operation.store / REPORT).is_file(),
        tiles=[_tile(kpi) for kpi in kpis_told(operation)] if ready else [],
        alarms=alarms,
        releases=[{**release, "met": _met(release)} for release in made],
    )  # fmt: skip


def _headline(service: Service, alarms: int) -> str:
    if not service.champion.ready:
        return "Nothing serves: no release could be loaded."
    serving = f"Release {service.champion.served.release.number} serves"
    return (
        f"{serving}, and {counted(alarms, 'alarm')} {'is' if alarms == 1 else 'are'} open."
        if alarms
        else f"{serving}; no alarm is open."
    )


def _tile(kpi: Mapping[str, Any]) -> Tile:
    """The newest state of a KPI: on live rows where there are any, else as released."""
    live = {name: kpi["live"][name] for name in ("value", "low", "high", "n", "state")} if kpi["live"] else {}
    shown = {**kpi, **live}
    if METRICS[kpi["metric"]].unit == "share":
        shown |= {"format": "percent", "goal": f"{kpi['goal'].split()[0]} {100 * kpi['goal_value']:.4g} %"}
    made = tile(shown, words_for("en"))
    since = f"live, {kpi['live']['since']} to {kpi['live']['until']}" if live else "as released"
    return replace(made, metric=f"{made.metric} · {since}")


def _met(release: Mapping[str, Any]) -> str:
    kpis = release["kpis"] or []
    return f"{sum(kpi['state'] == 'met' for kpi in kpis)} of {len(kpis)}"


@cache
def environment() -> Environment:
    """Templates of the server's pages, with the parts of the report's."""
    loader = ChoiceLoader([PackageLoader("sevenstep.web", "page"), PackageLoader("sevenstep.report", "page")])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
