"""HTML pages: headings, paragraphs, lists and tables of their visible text, by the parser of the standard library."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from sevenstep.data.documents.parsed import Parsed, Writer
from sevenstep.data.documents.readers.plain import decoded
from sevenstep.data.documents.refused import Refused

__all__ = ["read_html"]

_UNSEEN = {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "select", "button", "nav"}
_BREAKS = {
    "p", "div", "section", "article", "main", "header", "footer", "aside", "ul", "ol", "dl", "dt", "dd", "blockquote", "pre",
    "figure", "figcaption", "form", "fieldset", "address", "hr", "body",
}  # fmt: skip
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_DEEPEST = 2_000
_METAS = {"dc.rights": "licence", "license": "licence", "licence": "licence", "date": "date", "dc.date": "date", "trust": "trust"}


def read_html(content: bytes, encoding: str | None) -> Parsed:
    """The visible text of a page; its ``<title>`` is the title, and what is said in ``<meta name=...>`` are tags."""
    parser = _Page()
    parser.feed(decoded(content, encoding or _declared(content)))
    parser.close()
    return parser.finished()


def _declared(content: bytes) -> str | None:
    """The encoding a page says it has, where its bytes agree."""
    found = _CHARSET.search(content[:4096])
    if found is None:
        return None
    name = found[1].decode("ascii")
    name = "cp949" if name.lower() in ("euc-kr", "ks_c_5601-1987") else name  # browsers read both so
    try:
        content.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None
    return name


class _Page(HTMLParser):
    """Collects text until a tag ends the block it stands in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._writer = Writer()
        self._text: list[str] = []
        self._title: list[str] | None = None
        self._name = ""
        self._hidden: list[str] = []
        self._open: list[str] = []
        self._rows: list[list[str]] | None = None
        self._tables = 0
        self._in_cell = False
        self._tags: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag not in _EMPTY:
            self._open.append(tag)
            if len(self._open) > _DEEPEST:
                raise Refused("DOCUMENT-BOMB", f"its tags are nested more than {_DEEPEST:,} deep")
        if self._hidden or tag in _UNSEEN or _is_hidden(told):
            if tag not in _EMPTY:
                self._hidden.append(tag)
            return
        self._started(tag, told)

    def _started(self, tag: str, told: dict[str, str]) -> None:
        if tag == "meta" and told.get("name", "").lower() in _METAS:
            self._tags[_METAS[told["name"].lower()]] = told.get("content", "").strip()
        elif tag == "title":
            self._title = []
        elif tag == "br":
            self._text.append("\n")
        elif tag == "table":
            self._table_started()
        elif tag in ("tr", "td", "th") and self._rows is not None and self._tables == 1:
            self._cell_ended()
            if tag == "tr" or not self._rows:
                self._rows.append([])
            self._text, self._in_cell = [], tag != "tr"
        elif self._rows is None and (tag in _BREAKS or tag in _HEADINGS):
            self._flush()
        elif self._rows is None and tag == "li":
            self._flush()
            self._text.append("- ")
        elif tag in _BREAKS or tag in _HEADINGS or tag == "li":
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if self._hidden:
            if tag in self._hidden:
                while self._hidden.pop() != tag:
                    pass
            return
        self._ended(tag)

    def _ended(self, tag: str) -> None:
        if tag == "title" and self._title is not None:
            self._name, self._title = " ".join("".join(self._title).split()), None
        elif tag == "table":
            self._table_ended()
        elif tag in ("tr", "td", "th") and self._tables == 1:
            self._cell_ended()
        elif self._rows is None and tag in _HEADINGS:
            self._writer.heading("".join(self._text), _HEADINGS[tag])
            self._text = []
        elif self._rows is None and (tag in _BREAKS or tag == "li"):
            self._flush()

    def _table_started(self) -> None:
        """A table within a cell is text of the cell."""
        self._tables += 1
        if self._tables == 1:
            self._flush()
            self._rows = []

    def _cell_ended(self) -> None:
        """A cell ends with its tag, or where the next one begins."""
        if self._in_cell and self._rows:
            self._rows[-1].append("".join(self._text))
        self._text, self._in_cell = [], False

    def _table_ended(self) -> None:
        if self._tables == 1:
            self._cell_ended()
        self._tables = max(0, self._tables - 1)
        if self._tables == 0 and self._rows is not None:
            self._writer.table(self._rows)
            self._rows, self._text = None, []

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title.append(data)
        elif not self._hidden:
            self._text.append(data if "pre" in self._open else re.sub(r"\s+", " ", data))

    def _flush(self) -> None:
        text = "".join(self._text)
        lines = text.split("\n") if "pre" in self._open else [" ".join(line.split()) for line in text.split("\n")]
        self._writer.block("\n".join(lines))
        self._text = []

    def finished(self) -> Parsed:
        """What was read, also of a page that ends in the middle."""
        self._tables = min(self._tables, 1)
        self._table_ended()
        self._flush()
        return self._writer.parsed(self._name, self._tags)


def _is_hidden(told: dict[str, str]) -> bool:
    style = told.get("style", "").replace(" ", "").lower()
    return "hidden" in told or told.get("aria-hidden") == "true" or "display:none" in style or "visibility:hidden" in style
