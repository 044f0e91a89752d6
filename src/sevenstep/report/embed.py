"""What makes the report one safe file: inlined scripts, data that cannot break out, and a policy that forbids the rest.

The policy allows exactly the scripts whose hash it names, so that markup smuggled in by a name in the data could not run even if
it were not escaped, and it forbids every request. ``unsafe-eval`` is there because Vega compiles its own expressions.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["chart_library", "content_policy", "page_script", "page_style", "safe_json"]

_SCRIPTS = ("tooltip.js", "charts.js", "explorer.js", "tables.js", "shell.js")
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def safe_json(value: Any) -> str:
    """``value`` as JSON that may stand inside a ``<script>``: no character of it can end the element or start a comment."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


@cache
def chart_library() -> str:
    """Vega-Embed with Vega and Vega-Lite as one script, bundled from the installed package without a network.

    Takes about two seconds, once a process. It is asked for Vega-Embed alone because the bundler gives the other two as null.
    """
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _page_file(name: str) -> str:
    return (files("sevenstep.report") / "page" / name).read_text(encoding="utf-8")


@cache
def page_script() -> str:
    """The report's own script: one closure of its parts."""
    return '(() => {\n"use strict";\n' + "\n".join(_page_file(name) for name in _SCRIPTS) + "\n})();\n"


@cache
def page_style() -> str:
    """The report's style sheet without its colours."""
    return _page_file("report.css")


def content_policy(*scripts: str) -> str:
    """The Content-Security-Policy under which only ``scripts`` run and nothing is fetched."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
