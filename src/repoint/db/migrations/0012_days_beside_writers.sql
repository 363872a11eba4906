-- Whoever writes an event while its day gets a place must find the place, and not be refused by the one for all others.

CREATE OR REPLACE FUNCTION add_events_day(day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name text := events_partition(day);
    since timestamptz := day::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Who has begun to write ends before, who comes waits here and then sees the new place. Waiting for the second lock
    -- alone, writers had chosen the place for all others already. Readers wait for the second one only.
    LOCK TABLE ONLY events IN SHARE ROW EXCLUSIVE MODE;
    -- Nobody may look at a row of this day while rows of it move.
    LOCK TABLE events_unsorted IN ACCESS EXCLUSIVE MODE;
    -- Two workers may have come here.
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format(
        'WITH moved AS (DELETE FROM events_unsorted WHERE logged_at >= $1 AND logged_at < $2 RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', name) USING since, until;
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, since, until);
    RETURN true;
END $$;
