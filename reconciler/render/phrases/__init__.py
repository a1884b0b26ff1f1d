"""Sentences, signs and sanitizing that all views share. The ground floor."""
