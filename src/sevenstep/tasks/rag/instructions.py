"""Text in a document that is worded as an instruction to whoever reads it: told, and never followed.

A list of wordings finds the usual ones, not every one: what keeps an instruction from being followed is that documents are data
wherever they are used. This is for the person, who may want to know that a document tries.
"""

from __future__ import annotations

import re

__all__ = ["instructions_in"]

_NEAR = r"[^.\n]{0,40}"
_WORDINGS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("ignore", "disregard", "forget", "override"),
        rf"\b(?:ignore|disregard|forget|override)\b{_NEAR}\b(?:previous|prior|above|earlier|all|any|other)\b{_NEAR}"
        r"\b(?:instructions?|prompts?|rules?|documents?|context|passages?|sources?)\b",
    ),
    (("prompt", "message"), r"\b(?:system|developer)\s+(?:prompt|message)\b"),
    (("you are now",), r"\byou are now\b"),
    (("act as",), rf"\bact as (?:an?|the)\b{_NEAR}\b(?:assistant|model|ai|administrator)\b"),
    (("not ", "don't", "never"), r"\b(?:do not|don't|never) (?:cite|reveal|tell the (?:user|reader))\b"),
    (("with",), r"\b(?:reply|respond|answer) (?:only )?with (?:the (?:word|phrase|text)|exactly)\b"),
    (
        ("assistant", "chatbot", "ai:", "ai,", "model:", "model,"),
        r"\b(?:assistant|ai|model|chatbot)\s*[:,]\s*(?:please )?(?:ignore|say|reply|answer|send|print|output|reveal)\b",
    ),
    (
        ("<|", "[inst", "[/inst", "###"),
        r"<\|?\s*(?:system|im_start|endoftext|assistant)\b|\[/?inst\]|###\s*(?:instruction|system)\b",
    ),
    (
        ("무시", "잊", "따르지"),
        r"(?:이전|앞선|위의?|지금까지의?|모든|다른)\s*(?:모든\s*)?(?:지시|명령|프롬프트|규칙|문서|내용)[가-힣]*\s*[^.\n]{0,12}(?:무시|잊|따르지)",
    ),
    (("시스템",), r"시스템\s*(?:프롬프트|메시지)"),
    (("이제",), r"(?:당신|너)(?:은|는)\s*이제"),
    (
        ("출력", "대답", "답변", "말하"),
        r"(?:ai|인공지능|챗봇|어시스턴트|모델)(?:은|는|에게|야|,|:)\s*[^.\n]{0,30}(?:출력|대답|답변|말)(?:하라|하세요|하시오|해라)",
    ),
)
"""Each wording with the letters one of which it holds: they are looked for first, which is quick."""

_COMPILED = tuple((letters, re.compile(wording)) for letters, wording in _WORDINGS)


def instructions_in(text: str) -> list[tuple[int, int]]:
    """Offsets of each wording that addresses whoever reads the text as a machine, in English or Korean; in order."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters grow in lower case, and offsets would be off
        lowered = text
    found = [
        match.span()
        for letters, wording in _COMPILED
        if any(one in lowered for one in letters)
        for match in wording.finditer(lowered)
    ]
    return sorted(found)
