"""The asynchronous credentials. None yet."""
