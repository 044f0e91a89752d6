"""The report's colours, light and dark: one source for the page's CSS and for the charts.

Series colours stay apart under the common kinds of colour blindness and keep 3:1 against the card they are drawn on; text colours
keep 4.5:1 (`tests/test_report_colours.py` measures both). Charts never rely on them alone: groups also differ by dash and shape.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DARK", "LIGHT", "SERIES", "Colours"]

Colours = Mapping[str, str]
SERIES = ("series-1", "series-2", "series-3", "series-4", "series-5", "series-6")

LIGHT: Colours = {
    "paper": "#f6f6f2",
    "card": "#ffffff",
    "sunken": "#efefe9",
    "ink": "#16202b",
    "muted": "#566270",
    "hairline": "#e2e3dc",
    "grid": "#ecece6",
    "axis": "#c3c7c8",
    "accent": "#0b5d91",
    "accent-soft": "#e3eef5",
    "met": "#00694f",
    "risk": "#855400",
    "missed": "#b0321a",
    "none": "#5b6673",
    "met-soft": "#dff1ea",
    "risk-soft": "#f8ecd6",
    "missed-soft": "#fae4de",
    "none-soft": "#e9ebed",
    "goal": "#5c3a86",
    "series-1": "#0b6fb0",
    "series-2": "#cf5a00",
    "series-3": "#2a9d83",
    "series-4": "#631134",
    "series-5": "#4c5b71",
    "series-6": "#10164a",
    "ramp-low": "#eaf2f7",
    "ramp-high": "#0e4d73",
    "on-low": "#000000",
    "on-high": "#ffffff",
    "below": "#733904",
    "zero": "#f4f2ee",
    "above": "#094d78",
}

DARK: Colours = {
    "paper": "#10151a",
    "card": "#171e25",
    "sunken": "#1f2830",
    "ink": "#e9edf0",
    "muted": "#9dabb7",
    "hairline": "#2a343d",
    "grid": "#232c34",
    "axis": "#46525d",
    "accent": "#74bdec",
    "accent-soft": "#1b3345",
    "met": "#4fcaa6",
    "risk": "#e9b44f",
    "missed": "#ff8f72",
    "none": "#9dabb7",
    "met-soft": "#14342c",
    "risk-soft": "#3a2d14",
    "missed-soft": "#43231c",
    "none-soft": "#29323a",
    "goal": "#c9a8f2",
    "series-1": "#5fb2ea",
    "series-2": "#f08a3c",
    "series-3": "#2f9f86",
    "series-4": "#eac4de",
    "series-5": "#6e7d9e",
    "series-6": "#f2e3ab",
    "ramp-low": "#16212b",
    "ramp-high": "#739bb6",
    "on-low": "#ffffff",
    "on-high": "#000000",
    "below": "#de8038",
    "zero": "#1c232a",
    "above": "#549dce",
}
