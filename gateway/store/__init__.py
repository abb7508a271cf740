"""Where resources are kept: the protocol of a store and its implementations."""
