"""What every fitted model is: one module a model, its artefact under data/models by the same name, read by `read`."""
