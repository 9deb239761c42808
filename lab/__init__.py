"""A lab that breaks things on purpose and then does the accounts; ``python -m lab.run``, or ``make lab``.

A queue, an agent and a worker run as processes of their own in a throwaway folder, with real TLS and durable writes;
what is done to them, and when, follows from a seed, so that a round can be repeated.
"""
