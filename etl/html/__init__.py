"""HTML for people: the frame of a page, tables, escaping, and charts as inline SVG.

Strings and numbers in, self-contained markup out. It does not know what the numbers mean.
"""
