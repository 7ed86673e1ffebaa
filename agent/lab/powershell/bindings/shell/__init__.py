"""Owns nothing itself: see the modules."""
