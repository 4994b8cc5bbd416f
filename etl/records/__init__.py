"""Raw records in, typed tables out: parse, coerce what does not fit, flatten, order.

Pure: bytes and declarations in, Arrow tables, polars frames and issues out. It does not know pages, files or runs.
"""
