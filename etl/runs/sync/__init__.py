"""Bring a dataset up to date: fetch the changes, reconcile missing and withdrawn records, merge, finish."""
