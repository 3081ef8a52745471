"""How do notes become vectors? readers, windows, encoder, pipeline."""
