"""Make a dataset of existing records: DataCite's data file, or the raw records of another dataset."""
