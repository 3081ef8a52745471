"""Where notes come from: one reader a form, all giving the same Note."""
