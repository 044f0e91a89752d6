"""The routes of the server, one module a group; each adds its own to the application."""
