"""Which encoding a text file is in, told from its bytes."""

from __future__ import annotations

import codecs

__all__ = ["encoding_of"]

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def encoding_of(content: bytes) -> str:
    """The encoding of ``content``: by its byte order mark, else UTF-8 where that fits, else Korean, else Western European.

    CP949 accepts many Western texts too ("Ärger" becomes one rare syllable and "ger"), so it is chosen only where nearly all
    characters beyond ASCII are among the common syllables and signs of EUC-KR (KS X 1001), whose two bytes are both 0xA1 or more.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    if content[:2000].count(0) > len(content[:2000]) // 4:
        return "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    if _decodes(content, "utf-8"):
        return "utf-8"
    if _decodes(content, "cp949") and _looks_korean(content.decode("cp949")):
        return "cp949"
    return "cp1252" if _decodes(content, "cp1252") else "latin-1"


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _looks_korean(text: str) -> bool:
    beyond = [character.encode("cp949") for character in text[:200_000] if ord(character) > 127]
    common = sum(min(character) >= 0xA1 for character in beyond)
    return common >= 0.9 * len(beyond)
