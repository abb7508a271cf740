"""Who may see what: tokens, policy, consent, labels, masking, audit. Knows FHIR shapes and nothing else."""
