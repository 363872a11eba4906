-- The event log: what happened, once, in the words of the event stream, readable by many.

-- Handed out in the transaction that adds the rows; readers know how far it is settled (events/queries.sql, horizon).
CREATE SEQUENCE event_positions;

-- Rows are only added; a day that is old enough goes as a whole.
CREATE TABLE events (
    position bigint NOT NULL DEFAULT nextval('event_positions'),
    application_id uuid NOT NULL,
    -- When the row was written, by the server's clock: the day it lies in. Within clock steps it rises with the position.
    logged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When it happened as far as reports count it: the caller's time if that is credible, else that of its arrival.
    occurred_at timestamptz NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    -- The endpoint it is about, folded; NULL for an address without endpoint.
    endpoint_key text COLLATE "C",
    -- Of application, endpoint and the client's event id (events/emit.py); NULL for what the service reports itself.
    event_hash uuid,
    -- The client sent this event before: streamed again, but neither counted nor a trigger.
    is_repeat boolean NOT NULL,
    -- As streams carry it.
    record json NOT NULL
) PARTITION BY RANGE (logged_at);

CREATE INDEX events_by_application ON events (application_id, position);
CREATE INDEX events_by_hash ON events (event_hash) WHERE event_hash IS NOT NULL AND NOT is_repeat;

-- Holds what is written on a day that has no partition, because no worker ran for days.
CREATE TABLE events_unsorted PARTITION OF events DEFAULT;

CREATE FUNCTION events_partition(day date) RETURNS text LANGUAGE sql IMMUTABLE RETURN
    'events_' || to_char(day, 'YYYYMMDD');

-- Give a day (UTC) a partition, with the rows that were written on it before it had one. False when it has one.
CREATE FUNCTION add_events_day(day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name text := events_partition(day);
    since timestamptz := day::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Nobody may add a row of this day while rows of it move.
    LOCK TABLE events_unsorted IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format(
        'WITH moved AS (DELETE FROM events_unsorted WHERE logged_at >= $1 AND logged_at < $2 RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', name) USING since, until;
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, since, until);
    RETURN true;
END $$;

-- Drop a day with all that was written on it.
CREATE FUNCTION drop_events_day(day date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TABLE %I', events_partition(day));
END $$;

-- When an endpoint was last heard of by an event, beside the endpoint so that events never wait for whoever writes it.
CREATE TABLE endpoint_activity (
    application_id uuid NOT NULL,
    endpoint_key text COLLATE "C" NOT NULL,
    active_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, endpoint_key)
) WITH (fillfactor = 80);

-- Who reads the log, and how far each has come.
CREATE TABLE event_readers (
    application_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- The last position that is done with, and when its record was logged: no later record is older by more than an hour.
    position bigint NOT NULL,
    logged_at timestamptz NOT NULL,
    -- Raised by every claim and every change of the configuration: what holds an older one changes nothing any more.
    epoch bigint NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    is_paused boolean NOT NULL DEFAULT false,
    -- Failures in a row of the batch at hand, and when it is tried again.
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamptz NOT NULL DEFAULT '-infinity',
    last_error text,
    -- Records taken, set aside, and lost because the log was not kept long enough.
    delivered bigint NOT NULL DEFAULT 0,
    set_aside bigint NOT NULL DEFAULT 0,
    dropped bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (application_id, name)
);

-- Records that a reader can never take, with the reason.
CREATE TABLE events_set_aside (
    application_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    set_aside_at timestamptz NOT NULL,
    reason text NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (application_id, name, position)
);
