"""Tools for developers that have signed a person in, and print tokens when they are asked: one tool a module."""
