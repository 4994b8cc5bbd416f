"""The current dialect: one module a resource, each with its own list and singleton."""
