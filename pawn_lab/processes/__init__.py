"""Who runs a trial: devices, scheduler, the shim that owns its trainer, supervision."""
