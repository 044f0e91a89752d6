"""The project file: read, checked, resolved and handed out in parts."""

from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.briefs import STEP_PARTS, brief_for
from sevenstep.spec.model import Spec
from sevenstep.spec.problems import SpecError, render
from sevenstep.spec.read import SPEC_FILE, find_spec, read_spec
from sevenstep.spec.resolve import Resolved, resolve

__all__ = [
    "SPEC_FILE", "STEP_PARTS", "Brief", "Resolved", "Seen", "Spec", "SpecError",
    "brief_for", "find_spec", "read_spec", "render", "resolve",
]  # fmt: skip
