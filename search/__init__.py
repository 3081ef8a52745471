"""Which notes, which patients? filters, retrieval, evidence, evaluation."""
