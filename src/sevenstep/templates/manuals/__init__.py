"""Technical manuals of made-up machines in English and Korean with known answers: ``sevenstep init manuals``.

One module per noun; `sevenstep.templates.manuals.library.make_library` puts them together. What is in the documents, what is
wrong with them on purpose and how the questions are made is told in ``docs/generated-manuals.md``.
"""
