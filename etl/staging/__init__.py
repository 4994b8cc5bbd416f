"""Unpublished work: pages as they arrive, the parts and table files made from them, and their consolidation.

Parsed pages in, staged files and receipts out. It never touches published files, and never judges.
"""
