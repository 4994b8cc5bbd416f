"""API v1 in a box (api-notes 7): what the server that DataCite switched off answered, in both generations."""
