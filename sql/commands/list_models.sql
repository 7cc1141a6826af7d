-- list_models: every trained model, oldest first within its name.
-- grain   one row per (pipeline, model_id)
-- needs   models
-- gives   pipeline, model, model_id, detector, trained_at, window_length, n_parameters,
--         best_epoch, validation_loss, spans, threshold, n_calibration
SELECT
  pipeline,
  model,
  model_id,
  detector,
  trained_at,
  window_length,
  n_parameters,
  best_epoch,
  round(validation_loss, 6) AS validation_loss,
  train_to,
  validation_to,
  calibration_to,
  round(threshold, 6) AS threshold,
  n_calibration
FROM models
ORDER BY pipeline, model, trained_at, model_id
