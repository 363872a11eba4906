-- announce --
-- Whoever adds events says so before the first position is given out, with the last one given out so far, and is seen
-- saying so until the commit is visible. Readers stop before it. The first number keeps these locks apart from others.
SELECT pg_advisory_xact_lock_shared(11, (CASE WHEN is_called THEN last_value & 2147483647 ELSE 0 END)::integer)
FROM event_positions

-- append_events --
-- Events as emit writes them: column by column, as JSON lists, and the records line by line, so that they are parsed
-- once. As one list of objects they would be twice, which takes longer than all else; a COPY does not go together with
-- other statements in one round trip.
INSERT INTO events (
    application_id, occurred_at, event_type, endpoint_key, event_hash, is_repeat, journey_id, record)
SELECT application_id::uuid, occurred_at::timestamptz, event_type, endpoint_key, event_hash::uuid, is_repeat::boolean,
    journey_id::uuid, record::json
FROM ROWS FROM (
    json_array_elements_text(%(application_ids)s), json_array_elements_text(%(instants)s),
    json_array_elements_text(%(event_types)s), json_array_elements_text(%(endpoint_keys)s),
    json_array_elements_text(%(hashes)s), json_array_elements_text(%(repeats)s),
    json_array_elements_text(%(journey_ids)s), string_to_table(%(records)s, chr(10))
) AS e (application_id, occurred_at, event_type, endpoint_key, event_hash, is_repeat, journey_id, record)

-- last_position --
-- The last position given out, 0 for none, and the time.
SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS position, clock_timestamp() AS now
FROM event_positions

-- announced --
-- What those who are adding events have said, see announce.
SELECT objid::bigint AS position
FROM pg_locks
WHERE locktype = 'advisory' AND classid = 11 AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- be_alone_with --
-- For this transaction the only one to take events of these endpoints (numbers made of their keys), so that of a
-- client's repeats, however they come, one is the first. They come in order, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(12, stripe::integer)
FROM json_array_elements_text(%(stripes)s) AS asked (stripe)

-- take_place --
-- Only the lock that the INSERT takes anyway. It comes last: who has it waits for nobody.
LOCK TABLE ONLY events IN ROW EXCLUSIVE MODE

-- known_hashes --
-- Which of these events arrived before, in the last 24 hours: by now(), which spares a look into all other days.
SELECT replace(event_hash::text, '-', '') AS hash
FROM events
WHERE event_hash = ANY(%(hashes)s::uuid[]) AND NOT is_repeat AND logged_at > now() - interval '24 hours'

-- clear_events --
-- Some events of an application that is gone.
DELETE FROM events WHERE application_id = %(application_id)s AND position <= (
    SELECT max(position) FROM (
        SELECT position FROM events WHERE application_id = %(application_id)s ORDER BY position LIMIT %(rows)s
    ) AS first)

-- clear_readers --
-- Who read the events of an application that is gone.
DELETE FROM event_readers WHERE application_id = %(application_id)s

-- clear_set_aside --
-- Some records that readers of an application that is gone could not take.
DELETE FROM events_set_aside WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM events_set_aside WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- keep_places --
-- Until the transaction ends no events move to the place of a day that has had none. They would be missed by a statement
-- that is being planned just then: it has looked for the places that there are before, and looks at them afterwards.
SELECT FROM events_unsorted LIMIT 0

-- unsorted_days --
-- Days (UTC) without a place of their own that events were written on.
SELECT DISTINCT (logged_at AT TIME ZONE 'UTC')::date AS day FROM events_unsorted

-- add_day --
-- A place for the events of this day (UTC), unless it has one.
SELECT add_events_day(%(day)s::date) AS is_new

-- old_days --
-- Days that have a place and are older than so many days, by the clock that put the events there.
SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'events'::regclass AND c.relname ~ '^events_[0-9]{8}$'
    AND to_date(right(c.relname, 8), 'YYYYMMDD') < (now() AT TIME ZONE 'UTC')::date - %(days)s::integer
ORDER BY day

-- be_patient --
-- For this transaction: all who write or read events wait behind us as long as we wait for someone who looks at the log
-- for long, a backup for example, so we give up soon, and before the server looks for a circle and breaks it at a caller.
SET LOCAL lock_timeout = '500ms'

-- count_dropped --
-- What readers have not read of a day that is dropped, noted with them.
WITH unread AS (
    SELECT r.application_id, r.name, count(*) AS dropped
    FROM event_readers r JOIN events e ON e.application_id = r.application_id AND e.position > r.position
    WHERE e.logged_at >= %(day)s::timestamp AT TIME ZONE 'UTC'
        AND e.logged_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY r.application_id, r.name
)
UPDATE event_readers r SET dropped = r.dropped + unread.dropped
FROM unread WHERE r.application_id = unread.application_id AND r.name = unread.name
RETURNING r.application_id, r.name, unread.dropped

-- drop_day --
-- The events of one day, at once.
SELECT drop_events_day(%(day)s::date)

-- go_in_order --
-- For this transaction: the log is read along its index, which has the events in their order. Of a day that was filled
-- since it was last analysed the planner thinks that it holds a handful, and would sort all that is left for each batch.
SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_seqscan', 'off', true)

-- read_events --
-- The next events of an application behind a position, up to and with the last settled one, in the order of LoggedEvent:
-- as many as fit into `bytes`, but one at least. `since` spares a look into the days before.
SELECT position, logged_at, event_type, endpoint_key, is_repeat, occurred_at, record
FROM (
    SELECT *, sum(octet_length(record)) OVER (ORDER BY position) AS bytes, row_number() OVER (ORDER BY position) AS n
    FROM (
        SELECT position, logged_at, event_type, endpoint_key, is_repeat, occurred_at, record::text AS record
        FROM events
        WHERE application_id = %(application_id)s AND position > %(after)s AND position <= %(up_to)s
            AND logged_at >= %(since)s
        ORDER BY position
        LIMIT %(rows)s
    ) AS next
) AS counted
WHERE bytes <= %(bytes)s OR n = 1
ORDER BY position

-- list_events --
-- The same, of one type when one is given.
SELECT position, logged_at, record::text AS record
FROM events
WHERE application_id = %(application_id)s AND position > %(after)s AND position <= %(up_to)s
    AND logged_at >= %(since)s
    AND (%(event_type)s::text IS NULL OR event_type = %(event_type)s)
ORDER BY position
LIMIT %(rows)s

-- newest_events --
-- The last settled events of an application, of one type when one is given, newest first.
SELECT position, logged_at, record::text AS record
FROM events
WHERE application_id = %(application_id)s AND position <= %(up_to)s
    AND (%(event_type)s::text IS NULL OR event_type = %(event_type)s)
ORDER BY position DESC
LIMIT %(rows)s

-- begin_reading --
-- A new reader, or none when it is there already. Its epochs begin with the time: whoever still holds a reader of this
-- name that was there before must not hold this one.
INSERT INTO event_readers (application_id, name, position, logged_at, epoch)
VALUES (%(application_id)s, %(name)s, %(position)s, %(since)s, extract(epoch FROM clock_timestamp()) * 1000000)
ON CONFLICT DO NOTHING

-- stop_reading --
-- A reader goes, with what it has set aside.
WITH forgotten AS (DELETE FROM events_set_aside WHERE application_id = %(application_id)s AND name = %(name)s)
DELETE FROM event_readers WHERE application_id = %(application_id)s AND name = %(name)s

-- readers_state --
-- The last position given out, whether there are readers at all, and whether one has waited long enough.
SELECT last_value AS position,
    EXISTS (SELECT FROM event_readers) AS are_any,
    EXISTS (
        SELECT FROM event_readers
        WHERE NOT is_paused AND leased_until < now() AND retry_at <= now() AND (failures > 0 OR leased_until > '-infinity')
    ) AS are_waiting
FROM event_positions

-- claim_readers --
-- Readers with something to read that nobody holds, now ours: so many that go well, and so many that fail. One that is
-- ahead of the time, the server's clock having been wrong, looks at all days.
WITH due AS (
    SELECT found.application_id, found.name
    FROM (VALUES (false, %(rows)s::bigint), (true, %(failing_rows)s::bigint)) AS kind (is_failing, rows), LATERAL (
        SELECT r.application_id, r.name
        FROM event_readers r
        WHERE (r.failures > 0) = kind.is_failing
            AND NOT r.is_paused AND r.leased_until < now() AND r.retry_at <= now() AND r.name = ANY(%(names)s)
            AND EXISTS (
                SELECT FROM events e
                WHERE e.application_id = r.application_id AND e.position > r.position AND e.position <= %(up_to)s
                    AND e.logged_at >= CASE
                        WHEN r.logged_at > now() + %(margin)s::interval THEN to_timestamp(0)
                        ELSE r.logged_at - %(margin)s::interval
                    END
            )
        ORDER BY CASE WHEN kind.is_failing THEN r.retry_at END, r.position
        LIMIT kind.rows
        FOR UPDATE SKIP LOCKED
    ) AS found
)
UPDATE event_readers r
SET epoch = r.epoch + 1, leased_until = now() + make_interval(secs => %(lease_s)s)
FROM due
WHERE r.application_id = due.application_id AND r.name = due.name
RETURNING r.application_id, r.name, r.epoch, r.position, r.failures,
    CASE
        WHEN r.logged_at > now() + %(margin)s::interval THEN to_timestamp(0) + %(margin)s::interval
        ELSE r.logged_at
    END AS logged_at

-- note_read --
-- A batch is read and the lease renewed; no row when the claim is lost.
UPDATE event_readers
SET position = %(position)s, logged_at = %(logged_at)s, delivered = delivered + %(delivered)s,
    set_aside = set_aside + %(set_aside)s, failures = 0, last_error = NULL,
    leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE application_id = %(application_id)s AND name = %(name)s AND epoch = %(epoch)s

-- set_aside --
-- An event that a reader can never take.
INSERT INTO events_set_aside (application_id, name, position, set_aside_at, reason, record)
VALUES (%(application_id)s, %(name)s, %(position)s, now(), %(reason)s, %(record)s)
ON CONFLICT DO NOTHING

-- drop_set_aside --
-- Records that were set aside more than so many days ago.
DELETE FROM events_set_aside WHERE set_aside_at < now() - make_interval(days => %(days)s)

-- bring_forward --
-- Readers that have read everything up to a settled position stand there: who looks for what they have not read need not
-- look at the days before. Nobody who holds one loses it.
UPDATE event_readers r SET position = %(position)s, logged_at = %(at)s
WHERE r.position < %(position)s AND r.logged_at < %(at)s AND r.leased_until = '-infinity' AND NOT EXISTS (
    SELECT FROM events e
    WHERE e.application_id = r.application_id AND e.position > r.position AND e.position <= %(position)s
)

-- give_back_reader --
-- A reader that has read everything is free for the next worker.
UPDATE event_readers SET leased_until = '-infinity'
WHERE application_id = %(application_id)s AND name = %(name)s AND epoch = %(epoch)s

-- rest_reader --
-- A reader whose batch waits for more is free again when its first event is old enough, and with whom it was no longer;
-- no row when that event is old enough now.
UPDATE event_readers
SET epoch = epoch + 1, leased_until = clock_timestamp(), retry_at = %(logged_at)s + make_interval(secs => %(wait_s)s)
WHERE application_id = %(application_id)s AND name = %(name)s AND epoch = %(epoch)s
    AND %(logged_at)s + make_interval(secs => %(wait_s)s) > clock_timestamp()

-- postpone_reader --
-- A reader whose batch was not taken is free again after a while.
UPDATE event_readers
SET leased_until = '-infinity', failures = failures + 1, last_error = %(reason)s,
    retry_at = clock_timestamp() + make_interval(secs => %(wait_s)s)
WHERE application_id = %(application_id)s AND name = %(name)s AND epoch = %(epoch)s

-- renew_reader --
-- A reader is tried anew at once; whoever holds it holds it no longer.
UPDATE event_readers
SET epoch = epoch + 1, leased_until = now() - interval '1 second', failures = 0, retry_at = '-infinity', last_error = NULL
WHERE application_id = %(application_id)s AND name = %(name)s

-- change_reader --
-- A reader is paused or not, or set back to a time; whoever holds it holds it no longer. No row when there is none.
-- It never goes forward: what it has not read, or what is not committed yet, would be lost.
UPDATE event_readers
SET epoch = epoch + 1, leased_until = now() - interval '1 second', failures = 0, retry_at = '-infinity', last_error = NULL,
    is_paused = coalesce(%(is_paused)s, is_paused),
    position = CASE WHEN %(since)s::timestamptz IS NULL THEN position ELSE least(position, (
        SELECT min(e.position) - 1 FROM events e
        WHERE e.application_id = event_readers.application_id AND e.logged_at >= %(since)s
    )) END,
    logged_at = greatest(least(logged_at, %(since)s), to_timestamp(0))
WHERE application_id = %(application_id)s AND name = %(name)s

-- all_readers --
-- Every reader with the age of the oldest event that it has not read, for metrics.
SELECT r.application_id, r.name, r.failures, r.delivered, r.set_aside, r.dropped,
    coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT e.logged_at FROM events e
        WHERE e.application_id = r.application_id AND e.position > r.position
            AND e.logged_at >= CASE
                WHEN r.logged_at > now() + %(margin)s::interval THEN to_timestamp(0)
                ELSE r.logged_at - %(margin)s::interval
            END
        ORDER BY e.position LIMIT 1
    )), 0)::float8 AS lag_s
FROM event_readers r

-- list_readers --
-- An application's readers with how far they are behind; what is unread is counted up to 10,000.
SELECT r.name, r.is_paused, r.failures, r.last_error, nullif(r.retry_at, '-infinity') AS retry_at,
    r.delivered, r.set_aside, r.dropped, behind.unread,
    coalesce(extract(epoch FROM clock_timestamp() - behind.oldest), 0)::float8 AS lag_s
FROM event_readers r, LATERAL (
    SELECT count(*) AS unread, min(logged_at) AS oldest
    FROM (
        SELECT e.logged_at FROM events e
        WHERE e.application_id = r.application_id AND e.position > r.position AND e.position <= %(up_to)s
            AND e.logged_at >= CASE
                WHEN r.logged_at > now() + %(margin)s::interval THEN to_timestamp(0)
                ELSE r.logged_at - %(margin)s::interval
            END
        ORDER BY e.position LIMIT 10000
    ) AS unread
) AS behind
WHERE r.application_id = %(application_id)s
ORDER BY r.name
