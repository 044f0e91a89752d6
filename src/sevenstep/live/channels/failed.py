"""A channel that could not be told; noted beside the alarm, never raised to who monitors."""

from __future__ import annotations

__all__ = ["PATIENCE", "ChannelFailed"]

PATIENCE = 5.0
"""Seconds a channel has to answer."""


class ChannelFailed(Exception):
    """Why a channel was not told, as the end of a sentence; holds no secret of the spec."""
