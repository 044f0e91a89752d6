"""Korean particles and verb endings as far as they tell where a name ends and what part it plays in its sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["ENDS_VERB", "HANGUL", "group_of", "particle_starts", "stem"]

HANGUL = re.compile("[가-힣]")

_GROUPS: tuple[tuple[str, ...], ...] = (
    ("은", "는", "에는", "에서는", "으로는", "로는", "에게는"),  # topic
    ("이", "가"),  # subject
    ("을", "를"),  # object
    ("의", "에서의", "와의", "과의"),  # possessor
    ("에", "에도"),  # place or time
    ("에서", "에서도"),  # place
    ("에게", "께서", "한테", "에게서"),  # person
    ("으로", "로", "으로도"),  # means, direction
    ("와", "과"),  # and
    ("도", "만"),
    ("부터", "까지", "로부터", "으로부터"),  # from, until
    ("이라", "라", "이라고", "라고", "이라는", "라는", "이란", "란"),  # called
    ("이며", "며", "이다", "이었다", "였다", "이고", "고", "인", "이자", "였으며", "이었으며", "입니다", "인데"),  # is
    ("로서", "으로서", "로써", "으로써"),  # as
    ("이나", "나", "처럼", "보다"),
)
_OTHERS = (
    "마다 조차 밖에 뿐 까지의 부터의 으로의 로의 들이 들은 들을 들의 이었고 였고 이라며 하고 이지만 지만 라도 이라도 만을 "
    "만이 만의 로도 만에 간 씩 정도 등 측 측은 측이 이라면 이던 였던 이었던 이기 이면서"
)

_GROUP: Mapping[str, int] = {
    **dict.fromkeys(_OTHERS.split(), len(_GROUPS) + 1),
    **{particle: number + 1 for number, group in enumerate(_GROUPS) for particle in group},
}
_LONGEST = max(map(len, _GROUP))

ENDS_VERB = re.compile("(다|며|고|여|해|된|한|할|될|는|던|어|아|서|면)$")
"""How verbs and adjectives end; of nouns few do."""


def group_of(particle: str) -> int:
    """Number of the particle's group: 0 for none, 1 topic, 2 subject, 3 object, 4 possessor, 5 and up the others."""
    return _GROUP.get(particle, 0)


def particle_starts(word: str) -> list[int]:
    """Where a particle may begin in a Korean word, the longest particle first; at least one syllable is left before it."""
    return [len(word) - size for size in range(min(_LONGEST, len(word) - 1), 0, -1) if word[-size:] in _GROUP]


def stem(word: str) -> str:
    """The word without its longest particle; as it is where it has none or ends in no Hangul."""
    starts = particle_starts(word) if HANGUL.match(word[-1]) else []
    return word[: starts[0]] if starts else word
