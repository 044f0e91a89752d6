"""A made-up line that presses, sinters, grinds and coats parts, whose causes of defects are known: ``sevenstep init quality``.

One module per noun; `sevenstep.templates.quality.line.make_line` puts them together. The formula, all causes and all columns are
told in ``docs/generated-quality.md``.
"""
