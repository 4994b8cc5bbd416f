"""Prefect flows over the steps of the etl package."""
