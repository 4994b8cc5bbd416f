"""Resources of DataCite's current API (API.md section 2), one module each."""
