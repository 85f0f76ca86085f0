"""Tokens: reading an authority's replies, finding them again, keeping them."""
