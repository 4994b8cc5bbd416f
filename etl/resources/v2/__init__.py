"""Resources of DataCite's current API, one module each."""
