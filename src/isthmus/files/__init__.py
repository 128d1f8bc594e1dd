"""Model files: strict JSON, schemas for it, and the safetensors container that carries both."""
