"""A dataset at its destination: manifest, store, publication, published tables. No other package reads a dataset.

It takes `Files` and a manifest and returns frames, or an error that names the fix. It never fetches anything, and never
judges completeness.
"""
