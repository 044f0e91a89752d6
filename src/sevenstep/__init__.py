"""sevenstep: the whole AI development process, from a business problem to a model that stays good.

``Project`` is the Python face; the command line is ``sevenstep``. Importing the package loads nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sevenstep.project import Project, Run

__all__ = ["Project", "Run", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load the Python face when it is first asked for."""
    if name in ("Project", "Run"):
        from sevenstep import project

        return getattr(project, name)
    raise AttributeError(f"module 'sevenstep' has no attribute '{name}'")
