"""The server: predictions, observations and what is known of a project in operation, as an API and pages."""
