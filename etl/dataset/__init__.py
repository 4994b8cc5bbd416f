"""What lies at a destination: manifest, lock, store, published tables. The only package that reads a dataset.

It takes `Files` and a manifest and gives frames, or an error that names the fix. It never fetches anything, and never
judges completeness.
"""
