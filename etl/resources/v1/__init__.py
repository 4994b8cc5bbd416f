"""The resources of API v1 (API.md 3), which DataCite has switched off: a file each, named after the resource."""
