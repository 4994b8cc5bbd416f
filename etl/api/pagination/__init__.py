"""Pagination: how a list is walked, as frozen strategies for cursors, rows and whole lists.

A position goes in and becomes parameters; a page's totals, links, ids and times go in and become the next position, or
an error if no sound server would send that page. Nothing here sends requests, and `links.next` is never followed,
because it loses parameters (api-notes 2.5).
"""
