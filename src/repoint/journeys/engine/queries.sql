-- due_journeys --
-- Journeys that the keeper has to look at, the longest overdue first.
SELECT application_id, journey_id, look_at FROM journey_states WHERE look_at <= %(now)s ORDER BY look_at LIMIT %(rows)s

-- lock_journey --
-- Where a journey stands that is to be looked at, held until the transaction ends; no row when another has done so.
SELECT state, is_deleted, published_at, starts_at, ends_at, paused_for, is_of_events, defaults, segment_id,
    segment_version, is_of_users
FROM journey_states
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND look_at <= %(now)s
FOR UPDATE SKIP LOCKED

-- read_journey --
-- Where a journey stands; no row when it was never published.
SELECT state, is_deleted, published_at, starts_at, ends_at, paused_for, is_of_events, defaults, segment_id,
    segment_version, is_of_users
FROM journey_states
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- look_later --
-- A journey that could not be looked at: the others come first.
UPDATE journey_states SET look_at = %(later)s
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND look_at = %(look_at)s

-- set_journey --
-- Where a journey stands from now on, and when it is to be looked at.
UPDATE journey_states
SET state = %(state)s, look_at = %(look_at)s, segment_id = %(segment_id)s, segment_version = %(segment_version)s,
    is_of_users = %(is_of_users)s
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- latest_run --
-- The latest run of a journey.
SELECT run_id, number, state, segment_version, due_at FROM journey_runs
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s
ORDER BY number DESC
LIMIT 1

-- begin_run --
-- A run begins that may have been there before.
INSERT INTO journey_runs (
    application_id, run_id, journey_id, number, state, segment_version, created_at, updated_at, due_at)
VALUES (
    %(application_id)s, %(run_id)s, %(journey_id)s, %(number)s, 'RUNNING', %(segment_version)s, %(now)s, %(now)s,
    %(due_at)s)
ON CONFLICT (application_id, run_id) DO UPDATE
SET state = excluded.state, segment_version = excluded.segment_version, updated_at = excluded.updated_at

-- insert_sweep --
-- One pass of a run over the segment.
INSERT INTO journey_sweeps (application_id, run_id, number, due_at, zones)
VALUES (%(application_id)s, %(run_id)s, %(number)s, %(due_at)s, %(zones)s)

-- end_sweeps --
-- Nobody enters a journey any more.
WITH gone AS (
    DELETE FROM journey_arrivals WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s
)
UPDATE journey_sweeps s SET is_cut = true
FROM journey_runs r
WHERE r.application_id = %(application_id)s AND r.journey_id = %(journey_id)s
    AND s.application_id = r.application_id AND s.run_id = r.run_id AND NOT s.is_cut

-- forget_wakes --
-- Nobody is woken any more.
DELETE FROM journey_wakes WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- complete_runs --
-- Those runs of a journey end into which nobody comes any more and in which nobody is.
UPDATE journey_runs r SET state = 'COMPLETED', updated_at = %(now)s
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND state = 'RUNNING'
    AND NOT EXISTS (
        SELECT FROM journey_sweeps s
        WHERE s.application_id = r.application_id AND s.run_id = r.run_id AND NOT s.is_cut)
    AND NOT EXISTS (
        SELECT FROM visits v
        WHERE v.application_id = r.application_id AND v.journey_id = r.journey_id AND v.run_id = r.run_id
            AND v.activity_id IS NOT NULL)

-- cancel_runs --
-- Runs that have not ended end with their journey.
UPDATE journey_runs SET state = 'CANCELLED', updated_at = %(now)s
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND state IN ('SCHEDULED', 'RUNNING')

-- entry_left --
-- Whether somebody may still come in by what has begun.
SELECT EXISTS (
        SELECT FROM journey_sweeps s
        JOIN journey_runs r ON r.application_id = s.application_id AND r.run_id = s.run_id
        WHERE r.application_id = %(application_id)s AND r.journey_id = %(journey_id)s AND NOT s.is_cut)
    OR EXISTS (
        SELECT FROM journey_arrivals WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s)

-- somebody_inside --
-- Whether anybody is in a journey.
SELECT EXISTS (
        SELECT FROM visits
        WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND activity_id IS NOT NULL)
    OR EXISTS (
        SELECT FROM journey_lanes
        WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND sending IS NOT NULL)

-- wake_lanes --
-- The lanes of a journey in which there is something to be ended.
UPDATE journey_lanes l SET wake_at = least(wake_at, %(now)s)
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s
    AND (sending IS NOT NULL OR EXISTS (
        SELECT FROM visits v
        WHERE v.application_id = l.application_id AND v.journey_id = l.journey_id AND v.lane = l.lane
            AND v.activity_id IS NOT NULL))

-- close_lanes --
-- The lanes of a journey that is over go, but for those with which somebody is not done.
DELETE FROM journey_lanes
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND wake_at IS NULL AND worker IS NULL

-- is_at_work --
-- Whether somebody works on a journey, or is to.
SELECT EXISTS (
    SELECT FROM journey_lanes
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s
        AND (wake_at IS NOT NULL OR worker IS NOT NULL))

-- state --
-- Whether there is anything that may have to be done soon.
SELECT EXISTS (SELECT FROM journey_states WHERE look_at <= %(now)s)
    OR EXISTS (SELECT FROM journey_lanes WHERE wake_at <= %(now)s)
    OR EXISTS (SELECT FROM journey_states WHERE is_of_events AND state = 'ACTIVE')
    OR EXISTS (
        SELECT FROM journey_wakes w
        JOIN journey_states j ON j.application_id = w.application_id AND j.journey_id = w.journey_id
        WHERE j.state IN ('ACTIVE', 'CLOSED'))
    OR EXISTS (SELECT FROM journey_sweeps WHERE NOT is_cut AND due_at <= %(now)s) AS is_busy

-- next_sweep --
-- A sweep of which a range is to be let in, and its journey, which nobody else lets anybody into until the transaction
-- ends. Any of them: journeys that begin at once advance side by side.
SELECT s.application_id, s.run_id, s.number, s.due_at, s.cut_key, s.zones, r.journey_id, r.number AS run_number,
    r.segment_version AS run_version, r.due_at AS run_due_at, j.state, j.is_deleted, j.published_at, j.starts_at,
    j.ends_at, j.paused_for, j.is_of_events, j.defaults, j.segment_id, j.segment_version, j.is_of_users
FROM journey_sweeps s
JOIN journey_runs r ON r.application_id = s.application_id AND r.run_id = s.run_id
JOIN journey_states j ON j.application_id = r.application_id AND j.journey_id = r.journey_id
WHERE NOT s.is_cut AND s.due_at <= %(now)s AND j.state IN ('ACTIVE', 'PAUSED') AND r.state = 'RUNNING'
ORDER BY random()
LIMIT 1
FOR UPDATE OF j, s SKIP LOCKED

-- move_sweep --
-- A sweep has come to a key, or to the end.
UPDATE journey_sweeps SET cut_key = coalesce(%(last_key)s, cut_key), is_cut = %(last_key)s::text IS NULL
WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND number = %(number)s

-- postpone_sweep --
-- A sweep of which nobody could be let in: the others come first.
UPDATE journey_sweeps SET due_at = due_at + %(later)s
WHERE application_id = %(application_id)s AND run_id = %(run_id)s AND number = %(number)s

-- look_now --
-- The keeper is to look at a journey.
UPDATE journey_states SET look_at = least(look_at, %(now)s)
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- next_arrivals --
-- A journey with events that let endpoints in, which nobody else lets anybody into until the transaction ends, and its
-- only run.
SELECT j.application_id, j.journey_id, j.state, j.is_deleted, j.published_at, j.starts_at, j.ends_at, j.paused_for,
    j.is_of_events, j.defaults, j.segment_id, j.segment_version, j.is_of_users, r.run_id
FROM journey_states j
JOIN journey_runs r ON r.application_id = j.application_id AND r.journey_id = j.journey_id AND r.number = 1
WHERE j.is_of_events AND j.state = 'ACTIVE' AND r.state = 'RUNNING' AND EXISTS (
    SELECT FROM journey_arrivals a WHERE a.application_id = j.application_id AND a.journey_id = j.journey_id)
ORDER BY random()
LIMIT 1
FOR UPDATE OF j SKIP LOCKED

-- take_arrivals --
-- The next of these events, which are dealt with when the transaction ends.
DELETE FROM journey_arrivals WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_arrivals
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s
    ORDER BY position LIMIT %(rows)s))
RETURNING position, endpoint_key, at

-- enter --
-- Those of these participants enter who may, and their lanes are to be taken; what became of all of them, counted.
-- Nobody is touched who is inside: a worker may be moving it. Who lets somebody in holds the journey.
WITH asked AS (
    SELECT e.participant, e.segment_id, e.segment_version, e.times,
        CASE
            WHEN v.participant IS NULL THEN 'ENDPOINT_ENTERED'
            WHEN v.run_id = %(run_id)s AND NOT %(is_of_events)s THEN 'DUPLICATE'
            WHEN v.activity_id IS NOT NULL THEN 'ACTIVE_ENDPOINT_REJECTED'
            WHEN %(most_entries)s > 0 AND v.entries >= %(most_entries)s OR v.entered_at > %(entered_before)s
                THEN 'REENTRY_CAP_EXCEEDED'
            ELSE 'ENDPOINT_ENTERED'
        END AS verdict
    FROM json_to_recordset(%(asked)s)
        AS e (participant text, segment_id uuid, segment_version integer, times integer)
    LEFT JOIN LATERAL (
        SELECT participant, run_id, activity_id, entries, entered_at FROM visits
        WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND participant = e.participant
        OFFSET 0
    ) AS v ON true
), entered AS (
    INSERT INTO visits AS v (
        application_id, journey_id, participant, lane, run_id, entered_at, segment_id, segment_version, activity_id,
        arrived_at, due_at, seed)
    SELECT %(application_id)s, %(journey_id)s, participant,
        (hashtextextended(participant, 0) & (%(lanes)s - 1))::smallint, %(run_id)s, %(now)s, segment_id,
        segment_version, %(activity_id)s, %(now)s, %(due_at)s, (random() * 9e15)::bigint
    FROM asked WHERE verdict = 'ENDPOINT_ENTERED'
    ON CONFLICT (application_id, journey_id, participant) DO UPDATE
    SET run_id = excluded.run_id, entered_at = excluded.entered_at, entries = v.entries + 1,
        segment_id = excluded.segment_id, segment_version = excluded.segment_version,
        activity_id = excluded.activity_id, arrived_at = excluded.arrived_at, is_waiting = false,
        due_at = excluded.due_at, is_absolute = false, waits_for_event = false, waits_until = NULL,
        seed = excluded.seed, performed = '{}', answers = '{}'
    RETURNING lane
), woken AS (
    UPDATE journey_lanes SET wake_at = least(wake_at, %(now)s)
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s
        AND lane IN (SELECT lane FROM entered)
)
SELECT verdict, sum(times) FROM asked GROUP BY verdict

-- add_counts --
-- What was counted is added to what was before.
INSERT INTO journey_counts AS c (application_id, journey_id, run_id, activity_id, lane, counts)
SELECT %(application_id)s, %(journey_id)s, run_id, activity_id, %(lane)s, counts
FROM json_to_recordset(%(counts)s) AS e (run_id uuid, activity_id text, counts jsonb)
ON CONFLICT (application_id, journey_id, run_id, activity_id, lane) DO UPDATE
SET counts = summed_counts(ARRAY[c.counts, excluded.counts])

-- take_lane --
-- A lane in which somebody is due, or was told of, and on which nobody works, from now on this worker's. Any of them:
-- journeys that run at once advance side by side. None of the journeys in `busy`, and not one that it works on itself:
-- when the database was away for longer than a lease, what became of its messages is still known.
UPDATE journey_lanes l
SET epoch = l.epoch + 1, worker = %(worker)s, leased_until = now() + make_interval(secs => %(lease_s)s)
FROM (
    SELECT l.application_id, l.journey_id, l.lane
    FROM journey_lanes l
    JOIN journey_states j ON j.application_id = l.application_id AND j.journey_id = l.journey_id
    WHERE (l.wake_at <= %(now)s OR j.state IN ('ACTIVE', 'CLOSED') AND EXISTS (
            SELECT FROM journey_wakes w
            WHERE w.application_id = l.application_id AND w.journey_id = l.journey_id AND w.lane = l.lane))
        AND (l.leased_until IS NULL OR l.leased_until < now()) AND j.state <> 'PAUSED'
        AND NOT l.journey_id = ANY(%(busy)s::uuid[])
        AND NOT EXISTS (
            SELECT FROM unnest(%(held_journeys)s::uuid[], %(held_lanes)s::smallint[]) AS held (journey_id, lane)
            WHERE held.journey_id = l.journey_id AND held.lane = l.lane)
    ORDER BY random()
    LIMIT 1
    FOR UPDATE OF l SKIP LOCKED
) AS free
WHERE l.application_id = free.application_id AND l.journey_id = free.journey_id AND l.lane = free.lane
RETURNING l.application_id, l.journey_id, l.lane, l.sending, l.step, l.epoch

-- renew --
-- These lanes stay this worker's, as far as they still are.
UPDATE journey_lanes l SET leased_until = now() + make_interval(secs => %(lease_s)s)
FROM unnest(%(journeys)s::uuid[], %(lanes)s::smallint[], %(epochs)s::integer[]) AS held (journey_id, lane, epoch)
WHERE l.worker = %(worker)s AND l.journey_id = held.journey_id AND l.lane = held.lane AND l.epoch = held.epoch

-- hold_lane --
-- A lane is this worker's until the transaction ends, whoever makes somebody in it due.
SELECT step FROM journey_lanes
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND lane = %(lane)s AND epoch = %(epoch)s
FOR UPDATE

-- give_back --
-- A lane is free for whoever comes after some seconds, and is to be taken when the first in it is due.
UPDATE journey_lanes l
SET worker = NULL, leased_until = now() + make_interval(secs => %(wait_s)s),
    wake_at = CASE WHEN l.sending IS NOT NULL THEN %(now)s ELSE least(
        (SELECT min(due_at) FROM visits v
         WHERE v.application_id = l.application_id AND v.journey_id = l.journey_id AND v.lane = l.lane
            AND v.activity_id IS NOT NULL AND NOT v.is_absolute) + j.paused_for,
        (SELECT min(due_at) FROM visits v
         WHERE v.application_id = l.application_id AND v.journey_id = l.journey_id AND v.lane = l.lane
            AND v.activity_id IS NOT NULL AND v.is_absolute)) END
FROM journey_states j
WHERE l.application_id = %(application_id)s AND l.journey_id = %(journey_id)s AND l.lane = %(lane)s
    AND l.epoch = %(epoch)s AND j.application_id = l.application_id AND j.journey_id = l.journey_id

-- due_visits --
-- Those in a lane who are due, the longest overdue first: as the journey's clock tells, or as all others do. Nobody
-- while it is paused.
SELECT v.participant, v.run_id, v.entered_at, v.entries, v.segment_id, v.segment_version, v.activity_id, v.arrived_at,
    v.is_waiting, v.waits_until + j.paused_for AS waits_until, v.seed, v.performed, v.answers
FROM journey_states j, LATERAL (
    (SELECT * FROM visits
     WHERE application_id = j.application_id AND journey_id = j.journey_id AND lane = %(lane)s
        AND activity_id IS NOT NULL AND NOT is_absolute AND due_at <= %(now)s - j.paused_for
     ORDER BY due_at LIMIT %(rows)s)
    UNION ALL
    (SELECT * FROM visits
     WHERE application_id = j.application_id AND journey_id = j.journey_id AND lane = %(lane)s
        AND activity_id IS NOT NULL AND is_absolute AND due_at <= %(now)s
     ORDER BY due_at LIMIT %(rows)s)
) AS v
WHERE j.application_id = %(application_id)s AND j.journey_id = %(journey_id)s AND j.state IN ('ACTIVE', 'CLOSED')
ORDER BY v.due_at
LIMIT %(rows)s

-- these_visits --
-- Some participants, of whom only those are there who are inside: due some time, asked so that no index of all who are
-- inside serves it.
SELECT v.participant, v.run_id, v.entered_at, v.entries, v.segment_id, v.segment_version, v.activity_id, v.arrived_at,
    v.is_waiting, v.waits_until + j.paused_for AS waits_until, v.seed, v.performed, v.answers
FROM journey_states j, json_array_elements_text(%(participants)s) AS asked (participant), LATERAL (
    SELECT * FROM visits
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND participant = asked.participant
        AND due_at IS NOT NULL
    OFFSET 0
) AS v
WHERE j.application_id = %(application_id)s AND j.journey_id = %(journey_id)s

-- step --
-- A lane goes one step further. An error, a division by zero, when it is another worker's, has gone this step already,
-- or is to send for a journey that is paused or over: then what is sent together with this does not happen either.
WITH moved AS (
    UPDATE journey_lanes l
    SET step = step + 1, sending = %(sending)s, leased_until = now() + make_interval(secs => %(lease_s)s)
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND lane = %(lane)s
        AND epoch = %(epoch)s AND step = %(step)s
        AND (NOT %(sends)s OR EXISTS (
            SELECT FROM journey_states j
            WHERE j.application_id = l.application_id AND j.journey_id = l.journey_id
                AND j.state IN ('ACTIVE', 'CLOSED')))
    RETURNING 1
)
SELECT 1 / count(*) FROM moved

-- where_is --
-- How far a lane is; no row when it is gone.
SELECT epoch, step, sending FROM journey_lanes
WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND lane = %(lane)s

-- move_visits --
-- These participants are there from now on; those without an activity have left.
UPDATE visits v
SET activity_id = e.activity_id, arrived_at = e.arrived_at, is_waiting = e.is_waiting, due_at = e.due_at,
    is_absolute = e.is_absolute, waits_for_event = e.waits_for_event, performed = e.performed, answers = e.answers,
    waits_until = CASE WHEN e.waits_for_event THEN e.due_at END
FROM json_to_recordset(%(visits)s) AS e (
    participant text, activity_id text, arrived_at timestamptz, is_waiting boolean, due_at timestamptz,
    is_absolute boolean, waits_for_event boolean, performed jsonb, answers jsonb), LATERAL (
    SELECT ctid AS place FROM visits
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND participant = e.participant
    OFFSET 0
) AS found
WHERE v.ctid = found.place

-- drop_visits --
-- Some of those in a lane are taken out of their journey; of which runs they were.
WITH gone AS (
    UPDATE visits SET activity_id = NULL, due_at = NULL, is_waiting = false, waits_for_event = false, waits_until = NULL
    WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM visits
        WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND lane = %(lane)s
            AND activity_id IS NOT NULL
        LIMIT %(rows)s))
    RETURNING run_id
)
SELECT run_id, count(*) AS visits FROM gone GROUP BY run_id

-- go_by_index --
-- For this transaction: rows are found by their keys, one by one, however few rows the planner believes there are.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
    set_config('enable_seqscan', 'off', true)

-- clear_arrivals --
-- Some arrivals of a deleted journey.
DELETE FROM journey_arrivals WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_arrivals
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s LIMIT %(rows)s))

-- clear_wakes --
-- Some of the wakes of a deleted journey.
DELETE FROM journey_wakes WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_wakes
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s LIMIT %(rows)s))

-- clear_sweeps --
-- The sweeps of a deleted journey's runs, which are still there.
DELETE FROM journey_sweeps WHERE ctid = ANY(ARRAY(
    SELECT s.ctid FROM journey_sweeps s
    JOIN journey_runs r ON r.application_id = s.application_id AND r.run_id = s.run_id
    WHERE r.application_id = %(application_id)s AND r.journey_id = %(journey_id)s LIMIT %(rows)s))

-- clear_visits --
-- Some of those who were in a deleted journey.
DELETE FROM visits WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM visits
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s LIMIT %(rows)s))

-- clear_counts --
-- Some counts of a deleted journey.
DELETE FROM journey_counts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_counts
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s LIMIT %(rows)s))

-- clear_lanes --
-- The lanes of a deleted journey.
DELETE FROM journey_lanes WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_lanes
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s LIMIT %(rows)s))

-- clear_runs --
-- Some runs of a deleted journey.
DELETE FROM journey_runs WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM journey_runs
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s LIMIT %(rows)s))

-- clear_state --
-- Where a deleted journey stood.
DELETE FROM journey_states WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s

-- forget_visits --
-- Some of those who were in journeys that are over, and of which nothing has changed since.
DELETE FROM visits WHERE ctid = ANY(ARRAY(
    SELECT v.ctid
    FROM journey_states j
    JOIN visits v ON v.application_id = j.application_id AND v.journey_id = j.journey_id
    WHERE j.state IN ('COMPLETED', 'CANCELLED') AND j.look_at IS NULL AND NOT EXISTS (
        SELECT FROM journey_runs r
        WHERE r.application_id = j.application_id AND r.journey_id = j.journey_id AND r.updated_at >= %(before)s)
    LIMIT %(rows)s))
