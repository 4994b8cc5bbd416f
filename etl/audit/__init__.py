"""The metadata audit: which properties records have, what is wrong with their values, and what a profile asks of them.

Properties, rules and profiles are declared, a file a subject: a file dropped into `rules/` or `profiles/` is part of
the audit by existing. What reads and writes files is `etl.audit.run`.
"""
