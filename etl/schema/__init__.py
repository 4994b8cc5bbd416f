"""What declarations consist of (resource, table, column, filter), and the Arrow types that follow from them.

The declarations themselves are in `etl.resources`.
"""
