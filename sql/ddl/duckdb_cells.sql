
CREATE OR REPLACE VIEW {view} AS
SELECT * FROM {view}_all SEMI JOIN committed_models USING (pipeline, model_id);
