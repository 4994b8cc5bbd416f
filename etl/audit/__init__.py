"""The metadata audit: which properties records have, which values are wrong, and which needs of a profile are met.

Properties, rules and profiles are declarations. A file dropped into `rules/` or `profiles/` becomes part of the audit.
Only `etl.audit.run` reads and writes files.
"""
