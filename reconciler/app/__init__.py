"""Use cases over ports: load and plan, apply, settle by hand. They decide the order of things, never how a
thing is done.
"""
