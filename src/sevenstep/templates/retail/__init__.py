"""A made-up grocer in Korea whose true demand is known: the data behind ``sevenstep init retail``.

One module per noun; `sevenstep.templates.retail.world.make_world` puts them together. The formula, all effects and all columns
are told in ``docs/generated-retail.md``.
"""
