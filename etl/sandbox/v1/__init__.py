"""A local API v1 (api-notes 7): the answers of the server that DataCite switched off, in both generations."""
