"""What every process needs to run: clock, task keeping, durable writes, a door for blocking work, settings, logging."""
