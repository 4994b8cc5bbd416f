"""The content of a generated corpus: organisations, record templates, oddities and the index of records."""
