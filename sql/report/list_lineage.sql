-- list_lineage: the models whose rows a pipeline's tables have.
-- grain   one row per (model, model_id)
-- needs   models, runs
-- gives   model, model_id, detector, trained_at Int64 (µs), run_id, window_length, n_parameters, best_epoch,
--         validation_loss, train_to, validation_to, calibration_to Int32 (days), n_calibration
WITH newest AS (
  SELECT model_ids
  FROM runs
  WHERE pipeline = $pipeline AND status IN ('complete', 'partial')
  ORDER BY started_at DESC, run_id DESC
  LIMIT 1
),
used AS (
  SELECT DISTINCT unnest(model_ids) AS used_id
  FROM newest
)
SELECT
  model,
  model_id,
  detector,
  CAST(trained_at AS BIGINT) AS trained_at,
  run_id,
  window_length,
  n_parameters,
  best_epoch,
  validation_loss,
  CAST(train_to AS INT) AS train_to,
  CAST(validation_to AS INT) AS validation_to,
  CAST(calibration_to AS INT) AS calibration_to,
  n_calibration
FROM models
INNER JOIN used ON used.used_id = models.model_id
WHERE pipeline = $pipeline
ORDER BY model, model_id
