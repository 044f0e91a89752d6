"""Who is told of an alarm: a log in the store always, and the channels the spec names; nothing is sent anywhere else."""

from sevenstep.live.channels.telling import LOG, tell

__all__ = ["LOG", "tell"]
