"""Where rows come from: memory, Parquet, Dask, or the statistics that are left of them."""
