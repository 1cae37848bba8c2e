"""Many hips into one table: a manifest or a folder, a journal that survives being killed, Parquet and CSV."""
