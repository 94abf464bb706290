"""The incremental way between the pure stages and the store, once, for terminals, notebooks and clusters alike."""
