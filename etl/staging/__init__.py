"""Unpublished work: pages as they come, the parts and table files made of them, and their consolidation.

Parsed pages in, staged files and receipts out. It never touches what is published, and never judges.
"""
