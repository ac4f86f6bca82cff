"""Tables of the state database and how older ones become current."""

APPLICATION_ID = 0x5041574E  # "PAWN" in ASCII, in the file's header
SCHEMA_VERSION = 7

_VERSION_1 = """
CREATE TABLE trials (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    config TEXT NOT NULL,             -- resolved, JSON
    tags TEXT NOT NULL,               -- JSON array
    hypothesis TEXT,
    priority INTEGER NOT NULL,
    parent INTEGER REFERENCES trials (id),
    from_step INTEGER,
    checkpoint TEXT,                  -- resumed from; relative to the workspace
    trainer TEXT NOT NULL,            -- argv of the trainer, JSON array
    limits TEXT NOT NULL,             -- JSON object
    idempotency_key TEXT UNIQUE,
    request_hash TEXT NOT NULL,
    token TEXT,                       -- of the current attempt to launch
    attempts INTEGER NOT NULL DEFAULT 0,
    kill_reason TEXT,                 -- set once a kill was asked for
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    exit TEXT                         -- JSON object
) STRICT;
CREATE INDEX trials_by_state ON trials (state);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,          -- gapless from 1
    time REAL NOT NULL,
    trial_id INTEGER REFERENCES trials (id),
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    data TEXT NOT NULL                -- JSON object
) STRICT;

CREATE TABLE leases (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    trial_id INTEGER NOT NULL REFERENCES trials (id),
    start REAL NOT NULL,
    stop REAL                         -- NULL while held
) STRICT;
CREATE UNIQUE INDEX one_live_trial_per_device ON leases (device) WHERE stop IS NULL;
CREATE INDEX leases_by_trial ON leases (trial_id);

CREATE TABLE rates (
    id INTEGER PRIMARY KEY,
    since REAL NOT NULL,
    cost_per_hour REAL NOT NULL,      -- of the whole machine
    devices INTEGER NOT NULL          -- that the machine had then
) STRICT;
"""

_VERSION_2 = """
CREATE TABLE sweeps (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,              -- active, completed, stopped
    plan TEXT NOT NULL,               -- checked, JSON
    trainer TEXT NOT NULL,            -- argv of the trainer, JSON array
    limits TEXT NOT NULL,             -- JSON object
    idempotency_key TEXT UNIQUE,
    request_hash TEXT NOT NULL,
    created_at REAL NOT NULL,
    seen TEXT                         -- hash of the states that were last decided upon
) STRICT;

CREATE TABLE sweep_points (
    id INTEGER PRIMARY KEY,
    sweep INTEGER NOT NULL REFERENCES sweeps (id),
    number INTEGER NOT NULL,          -- from 0
    arm INTEGER NOT NULL,             -- of the plan's arms
    overrides TEXT NOT NULL,          -- of the plan's config, JSON
    state TEXT NOT NULL,              -- active, completed, stopped, failed
    value REAL,                       -- of the metric when it left active
    UNIQUE (sweep, number)
) STRICT;

CREATE TABLE budgets (
    id INTEGER PRIMARY KEY,
    since REAL NOT NULL,
    budget REAL,                      -- NULL: no cap from now on
    overrun_told INTEGER NOT NULL DEFAULT 0
) STRICT;

ALTER TABLE trials ADD COLUMN leader INTEGER REFERENCES trials (id);  -- first of one launch
ALTER TABLE trials ADD COLUMN fingerprint TEXT;                       -- config, code and trainer
ALTER TABLE trials ADD COLUMN expected_s REAL;                        -- device-time reserved
ALTER TABLE trials ADD COLUMN stop_rule TEXT;                         -- that asked for the kill
ALTER TABLE trials ADD COLUMN sweep INTEGER REFERENCES sweeps (id);
ALTER TABLE trials ADD COLUMN point INTEGER;                          -- of the sweep
CREATE INDEX trials_by_leader ON trials (leader);
CREATE INDEX trials_by_fingerprint ON trials (fingerprint);
CREATE INDEX trials_by_sweep ON trials (sweep);
"""

_VERSION_3 = """
ALTER TABLE trials ADD COLUMN noted_at REAL;                  -- when a note named it after its end
ALTER TABLE budgets ADD COLUMN basis TEXT NOT NULL DEFAULT 'device_time';  -- or machine_time
ALTER TABLE rates ADD COLUMN boot TEXT;                       -- of the machine, when it was set
ALTER TABLE rates ADD COLUMN uptime REAL;                     -- seconds since then
"""

_VERSION_4 = """
ALTER TABLE trials ADD COLUMN archived_at REAL;               -- left out of what is shown of all
"""

_VERSION_5 = """
ALTER TABLE leases ADD COLUMN boot TEXT;                      -- of the machine, at the start
ALTER TABLE leases ADD COLUMN uptime REAL;                    -- seconds since then
"""

_VERSION_6 = """
ALTER TABLE trials ADD COLUMN games TEXT;                        -- real ones it reads, JSON object
"""

_VERSION_7 = """
ALTER TABLE trials ADD COLUMN on_hold INTEGER NOT NULL DEFAULT 0;  -- 1: until a person approves it
"""

MIGRATIONS: tuple[str, ...] = (
    *(_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6, _VERSION_7),
)
"""Entry i brings a database from version i to version i + 1."""
