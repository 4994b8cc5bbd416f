"""Bytes at a destination: local folders and object stores, paths, and the file formats.

It knows nothing of what the files mean, apart from their names (`paths`).
"""
