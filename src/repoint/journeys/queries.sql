-- states --
-- Where some journeys stand; those that are drafts are left out.
SELECT journey_id, state FROM journey_states
WHERE application_id = %(application_id)s AND journey_id = ANY(%(journey_ids)s::uuid[])

-- lock_state --
-- Where a journey stands, which nobody else changes until the transaction ends.
SELECT state, starts_at, paused_at, defaults FROM journey_states
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s
FOR UPDATE

-- publish --
-- A journey that was a draft is to start, with the first of its runs.
WITH state AS (
    INSERT INTO journey_states
        (application_id, journey_id, state, published_at, starts_at, ends_at, look_at, is_of_events, defaults)
    VALUES
        (%(application_id)s, %(journey_id)s, 'ACTIVE', %(now)s, %(starts_at)s, %(ends_at)s, %(starts_at)s,
         %(is_of_events)s, %(defaults)s)
), lanes AS (
    INSERT INTO journey_lanes (application_id, journey_id, lane)
    SELECT %(application_id)s, %(journey_id)s, lane FROM generate_series(0, %(lanes)s - 1) AS lane
)
INSERT INTO journey_runs (application_id, run_id, journey_id, number, state, created_at, updated_at, due_at)
VALUES (%(application_id)s, %(run_id)s, %(journey_id)s, 1, 'SCHEDULED', %(now)s, %(now)s, %(starts_at)s)

-- move_end --
-- A journey ends at another time than it was to.
UPDATE journey_states SET ends_at = %(ends_at)s, look_at = least(coalesce(look_at, %(ends_at)s), %(ends_at)s)
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- pause --
-- Nothing of a journey goes on.
UPDATE journey_states SET state = 'PAUSED', paused_at = %(now)s, look_at = %(now)s
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- resume --
-- A journey that was paused goes on where it was.
UPDATE journey_states
SET state = 'ACTIVE', paused_for = paused_for + (%(now)s - paused_at), paused_at = NULL, look_at = %(now)s
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- cancel --
-- A journey stops for good, or is deleted.
UPDATE journey_states
SET state = CASE state WHEN 'COMPLETED' THEN state ELSE 'CANCELLED' END, paused_at = NULL, look_at = %(now)s,
    is_deleted = %(is_deleted)s
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- cancel_runs --
-- Runs that have not ended end with their journey.
UPDATE journey_runs SET state = 'CANCELLED', updated_at = %(now)s
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND state IN ('SCHEDULED', 'RUNNING')

-- count_active --
-- How many journeys are active, over all applications, and how many of them are started by events.
SELECT count(*) AS active, count(*) FILTER (WHERE is_of_events) AS of_events
FROM journey_states
WHERE state IN ('ACTIVE', 'PAUSED', 'CLOSED')

-- newest_runs --
-- The runs of a journey that stand before a given one, newest first.
SELECT run_id, number, state, created_at, updated_at FROM journey_runs
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND number < %(below)s
ORDER BY number DESC
LIMIT %(rows)s

-- delete_states --
-- Where all journeys of an application stand.
DELETE FROM journey_states WHERE application_id = %(application_id)s

-- clear_states --
-- Some of the states of a deleted application's journeys.
DELETE FROM journey_states WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_states WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_lanes --
-- Some of the lanes of a deleted application's journeys.
DELETE FROM journey_lanes WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_lanes WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_sweeps --
-- Some of the sweeps of a deleted application's journeys.
DELETE FROM journey_sweeps WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_sweeps WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_runs --
-- Some of the runs of a deleted application's journeys.
DELETE FROM journey_runs WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_runs WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_arrivals --
-- Some of the arrivals of a deleted application's journeys.
DELETE FROM journey_arrivals WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_arrivals WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_wakes --
-- Some of the wakes of a deleted application's journeys.
DELETE FROM journey_wakes WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_wakes WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_counts --
-- Some of the counts of a deleted application's journeys.
DELETE FROM journey_counts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_counts WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_visits --
-- Some of those who were in a deleted application's journeys.
DELETE FROM visits WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM visits WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- has_run --
-- Whether a journey has a run; an id in no form that ids have names none.
SELECT EXISTS (
    SELECT FROM journey_runs
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s
        AND replace(run_id::text, '-', '') = %(run_id)s)

-- counted --
-- What was counted of a journey, or of a run of it, as a whole or at an activity.
SELECT e.name, sum(e.counted::bigint)::bigint AS total
FROM journey_counts c, jsonb_each_text(c.counts) AS e (name, counted)
WHERE c.application_id = %(application_id)s AND c.journey_id = %(journey_id)s AND c.activity_id = %(activity_id)s
    AND c.run_id = coalesce(%(run_id)s::uuid, c.run_id)
GROUP BY e.name

-- doubts --
-- Messages of a journey that were in doubt, behind a given one: by runs, the newest first, and endpoints.
SELECT d.run_id, r.number, d.endpoint_key, d.occurrence, coalesce(e.endpoint_id, d.endpoint_key) AS endpoint_id,
    d.activity_id, d.channel_type, d.message_id, d.status, d.decided_at
FROM journey_runs r
JOIN deliveries d ON d.application_id = r.application_id AND d.run_id = r.run_id
LEFT JOIN endpoints e ON e.application_id = d.application_id AND e.endpoint_key = d.endpoint_key
WHERE r.application_id = %(application_id)s AND r.journey_id = %(journey_id)s AND d.was_in_doubt
    AND (r.number < %(number)s
        OR (r.number = %(number)s AND (d.endpoint_key, d.occurrence) > (%(after_key)s, %(after_occurrence)s)))
ORDER BY r.number DESC, d.endpoint_key, d.occurrence
LIMIT %(rows)s
