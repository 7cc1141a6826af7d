//! Networks in Burn: layers, training, checkpoints. Knows `oddlot-series`, never DataFusion.
