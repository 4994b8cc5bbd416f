"""Two datasets in, their differences out: record by record and field by field, as tables and a page.

It reads both through `dataset`, with at most one partition in memory. It never uses the API.
"""
