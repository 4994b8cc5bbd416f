"""What users start: exports, syncs, ingests, many at once. Everything below is put together here.

A run holds a destination and a connection (`context`), takes its steps in order, and ends in an `Outcome`. It prints
nothing and knows nothing of Prefect.
"""
