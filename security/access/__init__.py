"""Policy: the Cedar texts and their three forms (engine, compiled function, residual), and the care relation."""
