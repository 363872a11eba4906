-- create_tables --
-- What was applied: our own migrations by number, those of the queue's library by file name.
CREATE TABLE IF NOT EXISTS migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS queue_migrations (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- lock --
-- One program at a time; the lock belongs to the session.
SELECT pg_advisory_lock(%s)

-- is_begun --
-- Whether any migration ever ran here.
SELECT to_regclass('migrations') IS NOT NULL

-- applied --
-- Our migrations that this database has.
SELECT number, name, checksum, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS applied_at
FROM migrations
ORDER BY number

-- record --
-- One of our migrations is applied.
INSERT INTO migrations (number, name, checksum) VALUES (%s, %s, %s)

-- queue_applied --
-- The library's migrations that this database has, or had in the schema it started from.
SELECT name FROM queue_migrations

-- queue_record --
-- One of the library's migrations is applied.
INSERT INTO queue_migrations (name) VALUES (%s)
