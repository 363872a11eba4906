-- events_about --
-- The next events of endpoints that tell of messages of a run, each endpoint's in their order behind a position. Nulls
-- for activities and types are any. What is asked of application and position is written so that no index but that of
-- journeys can serve it: of a day that was filled since it was last analysed the planner thinks that it holds a
-- handful, and would read all that an application has logged, once for each endpoint.
SELECT asked.key, e.position, e.event_type, e.told->>'journey_activity_id' AS activity_id, e.told::text AS attributes,
    e.metrics::text AS metrics
FROM json_to_recordset(%(asked)s) AS asked (key text, since timestamptz, after bigint), LATERAL (
    SELECT position, event_type, record->'attributes' AS told, record->'metrics' AS metrics
    FROM events
    WHERE journey_id = %(journey_id)s AND endpoint_key = asked.key
        AND (journey_id, endpoint_key, position) > (%(journey_id)s, asked.key, asked.after)
        AND application_id IS NOT DISTINCT FROM %(application_id)s AND logged_at >= asked.since
        AND (%(event_types)s::text[] IS NULL OR event_type = ANY(%(event_types)s::text[]))
        AND record->'attributes'->>'journey_run_id' = %(run_id)s
        AND (%(activity_ids)s::text[] IS NULL
             OR record->'attributes'->>'journey_activity_id' = ANY(%(activity_ids)s::text[]))
    ORDER BY position
    LIMIT %(rows)s
) AS e
