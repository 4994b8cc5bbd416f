"""The current dialect: one module per resource, each with its list and singleton."""
