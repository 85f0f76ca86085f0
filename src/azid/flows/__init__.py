"""How a person signs in: one flow in each module, and what they have in common in `flow`."""
