"""R4 (4.0.1) by itself: read, check, index and edit resources. Imports nothing else of ours."""
