"""The chapters of a run as people read them: one HTML file, the terminal, a notebook cell.

`sevenstep.report.render` makes the self-contained HTML report, `sevenstep.report.terminal` the text of ``sevenstep show``, and
`sevenstep.report.notebook` the fragment for ``_repr_html_``. All read `sevenstep.chapter` blocks and nothing else.
"""
