-- waiting_journeys --
-- The journeys of an application that events let endpoints into, with their only runs.
SELECT s.journey_id, s.starts_at, s.ends_at, r.run_id, d.document->'StartCondition'->'EventStartCondition' AS start
FROM journey_states s
JOIN journey_runs r ON r.application_id = s.application_id AND r.journey_id = s.journey_id AND r.number = 1
JOIN documents d
    ON d.kind = 'journey' AND d.id = replace(s.journey_id::text, '-', '') AND d.application_id = %(app)s
WHERE s.application_id = %(application_id)s AND s.is_of_events AND s.state = 'ACTIVE'

-- insert_arrivals --
-- Endpoints that are to be let into journeys, in the order of their events.
INSERT INTO journey_arrivals (application_id, journey_id, endpoint_key, at, event_position)
SELECT %(application_id)s, journey_id, endpoint_key, at, event_position
FROM json_to_recordset(%(arrivals)s) AS a (
    journey_id uuid, endpoint_key text, at timestamptz, event_position bigint)
ORDER BY event_position

-- count_turned_away --
-- Events whose endpoints were in no segment of those who may enter.
INSERT INTO journey_counts AS c (application_id, journey_id, run_id, activity_id, lane, counts)
SELECT %(application_id)s, journey_id, run_id, '', %(lane)s, counts
FROM json_to_recordset(%(counts)s) AS e (journey_id uuid, run_id uuid, counts jsonb)
ON CONFLICT (application_id, journey_id, run_id, activity_id, lane) DO UPDATE
SET counts = summed_counts(ARRAY[c.counts, excluded.counts])

-- heard_journeys --
-- Those of some journeys that are not over.
SELECT s.journey_id, s.is_of_users, d.document
FROM journey_states s
JOIN documents d
    ON d.kind = 'journey' AND d.id = replace(s.journey_id::text, '-', '') AND d.application_id = %(app)s
WHERE s.application_id = %(application_id)s AND s.journey_id = ANY(%(journey_ids)s::uuid[])
    AND s.state IN ('ACTIVE', 'PAUSED', 'CLOSED')

-- insert_wakes --
-- The participants that were told of, as far as they are inside in that run. Who is inside is due some time: that is
-- asked here and below, and the run in this way, because otherwise the indexes of those inside could serve. Of a
-- journey that has filled since the table was last analysed the planner thinks that it holds a handful, and would read
-- all of them, once for each that was told of.
INSERT INTO journey_wakes (application_id, journey_id, lane, participant)
SELECT DISTINCT %(application_id)s::uuid, h.journey_id, v.lane, v.participant
FROM json_to_recordset(%(heard)s) AS h (journey_id uuid, run_id uuid, endpoint_key text, is_of_user boolean), LATERAL (
    SELECT lane, participant FROM visits
    WHERE application_id = %(application_id)s AND journey_id = h.journey_id
        AND run_id IS NOT DISTINCT FROM h.run_id AND due_at IS NOT NULL AND participant = CASE WHEN h.is_of_user THEN (
            SELECT user_key FROM endpoints
            WHERE application_id = %(application_id)s AND endpoint_key = h.endpoint_key
        ) ELSE h.endpoint_key END
    OFFSET 0
) AS v

-- insert_gone --
-- The participants that are inside a journey and of whom an endpoint has been deleted.
INSERT INTO journey_wakes (application_id, journey_id, lane, participant)
SELECT %(application_id)s, v.journey_id, v.lane, v.participant
FROM journey_states s, LATERAL (
    SELECT journey_id, lane, participant FROM visits
    WHERE application_id = %(application_id)s AND journey_id = s.journey_id AND due_at IS NOT NULL
        AND participant = ANY(CASE WHEN s.is_of_users THEN %(user_keys)s::text[] ELSE %(keys)s::text[] END)
    OFFSET 0
) AS v
WHERE s.application_id = %(application_id)s AND s.state IN ('ACTIVE', 'PAUSED', 'CLOSED')

-- take_wakes --
-- Those in a lane who wait for an event, and of whom one has told, and those who are not there any more: they are due
-- now. Only whoever holds the lane does this, between its steps: what comes in while it looks at somebody is still
-- there when that is written.
WITH held AS (
    SELECT FROM journey_lanes
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND lane = %(lane)s AND epoch = %(epoch)s
    FOR UPDATE
), heard AS (
    DELETE FROM journey_wakes
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND lane = %(lane)s
        AND EXISTS (SELECT FROM held)
    RETURNING participant
)
UPDATE visits v SET due_at = least(v.due_at, %(now)s - j.paused_for)
FROM (SELECT DISTINCT participant FROM heard) AS h, journey_states j, LATERAL (
    SELECT ctid AS place FROM visits
    WHERE application_id = %(application_id)s AND journey_id = %(journey_id)s AND participant = h.participant
    OFFSET 0
) AS found
WHERE v.ctid = found.place AND v.due_at IS NOT NULL
    AND j.application_id = v.application_id AND j.journey_id = v.journey_id
    AND (v.waits_for_event OR v.segment_id IS NULL AND CASE
        WHEN j.is_of_users THEN NOT EXISTS (
            SELECT FROM endpoints e
            WHERE key_hash(e.application_id, e.user_key) = key_hash(%(application_id)s::uuid, v.participant)
                AND e.application_id IS NOT DISTINCT FROM %(application_id)s::uuid AND e.user_key = v.participant)
        ELSE NOT EXISTS (
            SELECT FROM endpoints e
            WHERE e.application_id = %(application_id)s AND e.endpoint_key = v.participant)
        END)

-- has_unread --
-- Whether a reader is still to come to events of an application that were logged until then. One that was paused is not
-- waited for.
SELECT EXISTS (
    SELECT FROM event_readers r, LATERAL (
        SELECT FROM events e
        WHERE e.application_id = r.application_id AND e.position > r.position AND e.logged_at <= %(until)s
            AND e.logged_at >= CASE
                WHEN r.logged_at > now() + %(margin)s::interval THEN to_timestamp(0)
                ELSE r.logged_at - %(margin)s::interval
            END
        LIMIT 1
    ) AS unread
    WHERE r.application_id = %(application_id)s AND r.name = %(name)s AND NOT r.is_paused
)
