"""Prefect flows over the steps of the etl package."""

from etl import memory

memory.before_arrow()
