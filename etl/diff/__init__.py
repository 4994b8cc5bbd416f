"""Two datasets in, their differences out: record by record and field by field, as tables and a page.

It reads both through `dataset` and holds one partition in memory at most. It never asks the API.
"""
