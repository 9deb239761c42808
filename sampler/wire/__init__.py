"""The HTTP contract that both ends share: messages, their coding, and the routes."""
