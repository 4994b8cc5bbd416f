"""The resources of API v1 (api-notes 7), which DataCite has switched off: one file per resource."""
