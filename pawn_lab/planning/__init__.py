"""What a trial would take before it is launched: time, money, memory, its place in the queue."""
