"""The process itself: seven steps, one module each, in the order they are taken."""
