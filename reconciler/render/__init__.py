"""Views of plans and outcomes: values in, strings out."""
