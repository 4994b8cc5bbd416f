"""What users start: exports, syncs, ingests, and batches of them. The packages below meet here.

A run holds a destination and a connection (`context`), takes its steps in order, and ends in an `Outcome`. It prints
nothing and knows nothing of Prefect.
"""
