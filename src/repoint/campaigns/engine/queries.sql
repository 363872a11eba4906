-- due_treatments --
-- Treatments that the scheduler has to look at, the longest overdue first.
SELECT application_id, campaign_id, treatment_id, due_at
FROM campaign_treatments
WHERE due_at <= %(now)s
ORDER BY due_at
LIMIT %(rows)s

-- lock_treatment --
-- A treatment that is still due, held until the transaction ends; no row when another has dealt with it.
SELECT status, frequency, due_at, next_run_id, next_start_at, coalesce(begun_at, next_start_at) AS begun_at
FROM campaign_treatments
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s AND treatment_id = %(treatment_id)s
    AND due_at <= %(now)s
FOR UPDATE SKIP LOCKED

-- hold_treatment --
-- When a treatment began, which nobody else moves until the transaction ends.
SELECT begun_at FROM campaign_treatments
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s AND treatment_id = %(treatment_id)s
FOR UPDATE

-- set_treatment --
-- Where a treatment stands from now on; a next run that was known before keeps its id. What was next when it is first
-- moved on is its first slot.
UPDATE campaign_treatments
SET status = %(status)s, due_at = %(due_at)s, next_start_at = %(next_start_at)s,
    begun_at = coalesce(begun_at, next_start_at),
    next_run_id = CASE WHEN next_start_at = %(next_start_at)s THEN next_run_id ELSE %(next_run_id)s END
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s AND treatment_id = %(treatment_id)s

-- look_later --
-- A treatment that could not be looked at: the others come first.
UPDATE campaign_treatments SET due_at = %(later)s
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s AND treatment_id = %(treatment_id)s
    AND due_at = %(due_at)s

-- drop_treatment --
-- A treatment whose campaign is gone.
DELETE FROM campaign_treatments
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s AND treatment_id = %(treatment_id)s

-- insert_run --
-- A run comes into being, running or cancelled at once; no row when it did before.
INSERT INTO campaign_runs (
    application_id, run_id, campaign_id, treatment_id, version, scheduled_at, started_at, ended_at, state, result,
    reason, is_triggered, timezones_total)
VALUES (
    %(application_id)s, %(run_id)s, %(campaign_id)s, %(treatment_id)s, %(version)s, %(scheduled_at)s, %(started_at)s,
    %(ended_at)s, %(state)s, %(result)s, %(reason)s, %(is_triggered)s, %(timezones_total)s)
ON CONFLICT DO NOTHING

-- insert_sweep --
-- One pass of a run over its audience.
INSERT INTO campaign_sweeps (application_id, run_id, number, due_at, zones)
VALUES (%(application_id)s, %(run_id)s, %(number)s, %(due_at)s, %(zones)s)

-- triggered_run --
-- The run of a treatment on a day, begun when it is not there yet, and begun again when it seemed to be over; its id,
-- and whether it may send.
WITH begun AS (
    INSERT INTO campaign_runs AS r (
        application_id, run_id, campaign_id, treatment_id, version, scheduled_at, started_at, state, is_triggered)
    VALUES (
        %(application_id)s, %(run_id)s, %(campaign_id)s, %(treatment_id)s, %(version)s, %(scheduled_at)s, %(now)s,
        'RUNNING', true)
    ON CONFLICT (application_id, campaign_id, treatment_id, scheduled_at) DO UPDATE
    SET version = excluded.version, is_triggered = true,
        state = CASE r.state WHEN 'CANCELLED' THEN r.state ELSE 'RUNNING' END,
        ended_at = CASE r.state WHEN 'CANCELLED' THEN r.ended_at END,
        result = CASE r.state WHEN 'CANCELLED' THEN r.result END
    RETURNING run_id, state
)
SELECT run_id, state FROM begun

-- triggered_treatments --
-- The treatments of an application that wait for events, and those that will and may have begun to just now.
SELECT t.campaign_id, t.treatment_id, d.document, d.version
FROM campaign_treatments t
JOIN documents d
    ON d.kind = 'campaign' AND d.id = replace(t.campaign_id::text, '-', '') AND d.application_id = %(app)s
WHERE t.application_id = %(application_id)s AND t.frequency = 'EVENT'
    AND t.status IN ('SCHEDULED', 'EXECUTING')

-- insert_triggered --
-- A batch of events for whichever worker comes first.
INSERT INTO campaign_batches (application_id, run_id, triggers)
VALUES (%(application_id)s, %(run_id)s, %(triggers)s)

-- state --
-- Whether there is anything that may have to be done soon.
SELECT EXISTS (SELECT FROM campaign_runs WHERE state = 'RUNNING')
    OR EXISTS (SELECT FROM campaign_treatments WHERE frequency = 'EVENT' AND status = 'EXECUTING')
    OR EXISTS (SELECT FROM campaign_batches) AS is_busy

-- take_batches --
-- Batches that nobody works on, those of events first: from now on this worker's. Not those that it works on itself:
-- when the database was away for longer than a lease, what became of their messages is still known.
UPDATE campaign_batches b
SET epoch = b.epoch + 1, worker = %(worker)s, leased_until = now() + make_interval(secs => %(lease_s)s)
FROM (
    SELECT application_id, run_id, number FROM campaign_batches
    WHERE (leased_until IS NULL OR leased_until < now()) AND NOT number = ANY(%(held)s::bigint[])
    ORDER BY triggers IS NULL, number
    LIMIT %(rows)s
    FOR UPDATE SKIP LOCKED
) AS free
WHERE b.application_id = free.application_id AND b.run_id = free.run_id AND b.number = free.number
RETURNING b.application_id, b.run_id, b.number, b.sweep, b.after_key, b.last_key, b.triggers, b.sending, b.step, b.counts,
    b.epoch

-- next_sweep --
-- A sweep of which a range is to be cut off, which nobody else cuts until the transaction ends. Any of them: campaigns
-- that run at once advance side by side. None of a run that has a batch waiting for its turn: where few may be sent to in
-- a second, all of the audience would soon wait in batches, and they would keep everybody else from working. Of one run
-- the next sweep waits until the one before is done: who moves to its zones meanwhile would be found by both.
SELECT s.application_id, s.run_id, s.number, s.cut_key
FROM campaign_sweeps s
JOIN campaign_runs r ON r.application_id = s.application_id AND r.run_id = s.run_id
WHERE NOT s.is_cut AND s.due_at <= %(now)s AND r.state = 'RUNNING' AND NOT s.run_id = ANY(%(busy)s::uuid[])
    AND NOT EXISTS (
        SELECT FROM campaign_sweeps e
        WHERE e.application_id = s.application_id AND e.run_id = s.run_id AND e.number < s.number AND NOT e.is_cut)
    AND NOT EXISTS (SELECT FROM campaign_batches b WHERE b.run_id = s.run_id AND b.sweep < s.number)
    AND NOT EXISTS (SELECT FROM campaign_batches b WHERE b.run_id = s.run_id AND b.worker IS NULL)
ORDER BY random()
LIMIT 1
FOR UPDATE OF s SKIP LOCKED

-- cut --
-- A range is cut off, up to a key or to the end, and is this worker's.
WITH cut AS (
    UPDATE campaign_sweeps SET cut_key = coalesce(%(last_key)s, cut_key), is_cut = %(last_key)s::text IS NULL
    WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND number = %(sweep)s
)
INSERT INTO campaign_batches (
    application_id, run_id, sweep, after_key, last_key, epoch, worker, leased_until)
VALUES (
    %(application_id)s, %(run_id)s, %(sweep)s, %(after_key)s, %(last_key)s, 1, %(worker)s,
    now() + make_interval(secs => %(lease_s)s))
RETURNING application_id, run_id, number, sweep, after_key, last_key, triggers, sending, step, counts, epoch

-- read_run --
-- A run, and the sweep that a batch of it belongs to, with the zones of those before it.
SELECT r.application_id, r.run_id, r.campaign_id, r.treatment_id, r.version, r.scheduled_at, r.state, r.is_triggered,
    s.due_at, s.zones, coalesce(
        (SELECT array_agg(zone) FROM campaign_sweeps e, unnest(e.zones) AS zone
         WHERE e.application_id = s.application_id AND e.run_id = s.run_id AND e.number < s.number), '{}') AS zones_before
FROM campaign_runs r
LEFT JOIN campaign_sweeps s
    ON s.application_id = r.application_id AND s.run_id = r.run_id AND s.number = %(sweep)s
WHERE r.application_id = %(application_id)s AND r.run_id = %(run_id)s

-- renew --
-- These batches stay this worker's, as far as they still are.
UPDATE campaign_batches b SET leased_until = now() + make_interval(secs => %(lease_s)s)
FROM unnest(%(numbers)s::bigint[], %(epochs)s::integer[]) AS held (number, epoch)
WHERE b.worker = %(worker)s AND b.number = held.number AND b.epoch = held.epoch

-- give_back --
-- A batch is free for whoever comes after some seconds, as it stands.
UPDATE campaign_batches SET worker = NULL, leased_until = now() + make_interval(secs => %(wait_s)s)
WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND number = %(number)s AND epoch = %(epoch)s

-- step --
-- A batch goes one group further. An error, a division by zero, when it is another worker's, has gone this step already,
-- or is to send for a run that is over: then what is sent together with this does not happen either.
WITH moved AS (
    UPDATE campaign_batches b
    SET step = step + 1, after_key = %(after_key)s, triggers = %(triggers)s, sending = %(sending)s, counts = %(counts)s,
        leased_until = now() + make_interval(secs => %(lease_s)s)
    WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND number = %(number)s AND epoch = %(epoch)s
        AND step = %(step)s
        AND (%(sending)s::jsonb IS NULL OR EXISTS (
            SELECT FROM campaign_runs r
            WHERE r.application_id = b.application_id AND r.run_id = b.run_id AND r.state = 'RUNNING'))
    RETURNING 1
)
SELECT 1 / count(*) FROM moved

-- where_is --
-- How far a batch is; no row when it is done.
SELECT application_id, run_id, number, sweep, after_key, last_key, triggers, sending, step, counts, epoch
FROM campaign_batches
WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND number = %(number)s

-- end_batch --
-- A batch is done.
DELETE FROM campaign_batches
WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND number = %(number)s AND epoch = %(epoch)s
    AND step = %(step)s

-- drop_batch --
-- A batch of a run that is over.
DELETE FROM campaign_batches
WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND number = %(number)s AND epoch = %(epoch)s

-- add_counts --
-- A run, held until the transaction ends, with a batch's counts added to its own.
UPDATE campaign_runs SET counts = summed_counts(ARRAY[counts, %(counts)s::jsonb])
WHERE application_id = %(application_id)s AND run_id = %(run_id)s

-- count_zones --
-- With the last batch of a sweep in local time, its zones count as done; `sweep` has gone by then.
UPDATE campaign_runs r
SET counts = counts || jsonb_build_object(
    'TIMEZONES_COMPLETED', coalesce((counts->>'TIMEZONES_COMPLETED')::integer, 0) + cardinality(s.zones))
FROM campaign_sweeps s
WHERE r.application_id = %(application_id)s AND r.run_id = %(run_id)s
    AND s.application_id = r.application_id AND s.run_id = r.run_id AND s.number = %(sweep)s
    AND s.zones IS NOT NULL AND s.is_cut
    AND NOT EXISTS (SELECT FROM campaign_batches b WHERE b.run_id = r.run_id AND b.sweep = s.number)

-- complete_run --
-- A run over a segment of which nothing is left ends: it has failed when all failed who were to be sent to.
UPDATE campaign_runs r
SET state = 'COMPLETED', ended_at = %(now)s,
    result = CASE
        WHEN coalesce((counts->>'SUCCESSFUL')::bigint, 0) = 0 AND (counts->>'FAILED')::bigint > 0 THEN 'FAIL'
        ELSE 'SUCCESS'
    END
WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND state = 'RUNNING' AND NOT is_triggered
    AND NOT EXISTS (
        SELECT FROM campaign_sweeps s
        WHERE s.application_id = r.application_id AND s.run_id = r.run_id AND NOT s.is_cut)
    AND NOT EXISTS (SELECT FROM campaign_batches b WHERE b.run_id = r.run_id)
RETURNING campaign_id, treatment_id, scheduled_at

-- hold_days --
-- Runs that events triggered whose day is over, or whose treatment waits for none any more: held until the transaction
-- ends, so that nothing more is triggered in them meanwhile.
SELECT run_id FROM campaign_runs r
WHERE state = 'RUNNING' AND is_triggered
    AND (scheduled_at <= %(now)s - interval '1 day 1 minute' OR NOT EXISTS (
        SELECT FROM campaign_treatments t
        WHERE t.application_id = r.application_id AND t.campaign_id = r.campaign_id
            AND t.treatment_id = r.treatment_id AND t.status IN ('EXECUTING', 'PAUSED')))
FOR UPDATE SKIP LOCKED

-- complete_days --
-- Those of these runs end of which everything that was triggered has been sent or has expired.
UPDATE campaign_runs r
SET state = 'COMPLETED', ended_at = %(now)s,
    result = CASE
        WHEN coalesce((counts->>'SUCCESSFUL')::bigint, 0) = 0 AND (counts->>'FAILED')::bigint > 0 THEN 'FAIL'
        ELSE 'SUCCESS'
    END
WHERE state = 'RUNNING' AND is_triggered AND run_id = ANY(%(run_ids)s::uuid[])
    AND NOT EXISTS (SELECT FROM campaign_batches b WHERE b.run_id = r.run_id)

-- fail_run --
-- A run ends that cannot go on.
UPDATE campaign_runs SET state = 'COMPLETED', ended_at = %(now)s, result = 'FAIL', reason = %(reason)s
WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND state = 'RUNNING'
RETURNING campaign_id, treatment_id, scheduled_at

-- ledger_of --
-- What the ledger says of some endpoints in a run.
SELECT d.endpoint_key, d.status
FROM json_array_elements_text(%(keys)s) AS asked (key), LATERAL (
    SELECT endpoint_key, status FROM deliveries
    WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND endpoint_key = asked.key
    OFFSET 0
) AS d

-- same_addresses --
-- Those of these channels and addresses that several endpoints have, with their keys and when they were written.
SELECT asked.channel_type, asked.address, e.endpoint_keys, e.effective_at
FROM json_to_recordset(%(places)s) AS asked (channel_type text, address text), LATERAL (
    SELECT array_agg(endpoint_key) AS endpoint_keys, array_agg(effective_at) AS effective_at FROM endpoints
    WHERE key_hash(application_id, address) = key_hash(%(application_id)s::uuid, asked.address)
        AND application_id IS NOT DISTINCT FROM %(application_id)s::uuid AND address = asked.address
        AND channel_type = asked.channel_type AND endpoint_status = 'ACTIVE' AND opt_out = 'NONE'
    HAVING count(*) > 1
) AS e

-- same_snapshot_addresses --
-- The same among the snapshots of a version of an imported segment.
SELECT asked.channel_type, asked.address, e.endpoint_keys, e.effective_at
FROM json_to_recordset(%(places)s) AS asked (channel_type text, address text), LATERAL (
    SELECT array_agg(endpoint_key) AS endpoint_keys, array_agg(effective_at) AS effective_at FROM endpoint_snapshots
    WHERE key_hash(application_id, address) = key_hash(%(application_id)s::uuid, asked.address)
        AND application_id IS NOT DISTINCT FROM %(application_id)s::uuid
        AND segment_id IS NOT DISTINCT FROM %(segment_id)s::uuid AND version = %(version)s
        AND address = asked.address AND channel_type = asked.channel_type
        AND endpoint_status = 'ACTIVE' AND opt_out = 'NONE'
    HAVING count(*) > 1
) AS e
