"""Records that are here already become a dataset: DataCite's data file, or the raw records that a dataset kept."""
