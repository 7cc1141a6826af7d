
CREATE OR REPLACE VIEW committed_models AS
WITH newest AS (
  SELECT
    pipeline,
    model_ids,
    row_number() OVER (PARTITION BY pipeline ORDER BY started_at DESC, run_id DESC) AS back
  FROM runs
  WHERE status IN ('complete', 'partial')
)
SELECT pipeline, unnest(model_ids) AS model_id FROM newest WHERE back = 1;
COMMENT ON VIEW committed_models IS 'the models of each pipeline''s last complete run';
