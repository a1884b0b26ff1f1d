"""One run of apply or collect: asked for, driven, interrupted and reported."""
