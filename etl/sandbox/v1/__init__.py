"""API v1 in a box (API.md section 3): what the server that DataCite switched off answered, in both generations."""
