
CREATE OR REPLACE VIEW {view} AS
SELECT * FROM read_parquet(
  '{files}',
  hive_partitioning = true,
  hive_types = {'pipeline': VARCHAR, 'year': INTEGER},
  union_by_name = true
);
