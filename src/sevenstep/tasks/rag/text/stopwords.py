"""Words and endings that say nothing about what a text is about."""

from __future__ import annotations

from sevenstep.data.documents.language import ENGLISH

__all__ = ["ENGLISH", "KOREAN_ENDINGS"]

_KOREAN_ENDINGS = """
    까지는 까지의 되었다 부터는 습니까 에게서 에서는 에서도 에서의 으로는 으로도 으로서 으로써 으로의
    이라고 이라는 이었다 이었던 인가요 입니까 하였다 했으며 과의 까지 나요 는가 됐다 되는 되며 되어 된다
    들과 들에 들은 들을 들의 들이 라고 라는 로는 로도 로서 로써 마다 보다 부터 에게 에는 에도 에만 에서
    였다 였던 와의 으로 은가 이고 이나 이다 이라 이란 이며 인가 조차 처럼 하고 하는 하다 하며 하면 하여
    한다 한테 해서 했다 했던 가 과 께 나 는 도 된 될 됨 로 를 만 에 와 은 을 의 이 한 할 함
"""

KOREAN_ENDINGS = frozenset(_KOREAN_ENDINGS.split())
"""Particles and endings that follow a Korean stem."""
