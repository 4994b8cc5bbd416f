"""The HTTP API: a `Query` goes in, pages of raw records, counts and facets come out.

`client` is the face, and `walk` goes through lists; `requester` holds the only retry loop, `transport` the only HTTP
client. `pagination` and `retry` decide without I/O, and `limits` hold requests back. It knows nothing of tables, files
or verdicts.
"""
