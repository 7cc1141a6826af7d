-- The tables of an oddlot output root as views, for DuckDB 1.1 or later: `duckdb my.db < this`.
-- Each view reads its Parquet files anew whenever it is asked; nothing is copied. `errors` and its like show the
-- models of each pipeline's last complete run, as `oddlot sql` does; `errors_all` shows every row there is.
-- Days and months of instants are those of UTC in a session that says so:
SET TimeZone = 'UTC';
