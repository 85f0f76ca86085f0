"""Token stores, one in each module."""
