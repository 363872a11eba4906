-- lock_treatments --
-- Where the treatments of a campaign stand, which nobody else changes until the transaction ends.
SELECT treatment_id, status, frequency, due_at, next_run_id, next_start_at
FROM campaign_treatments
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s
ORDER BY treatment_id
FOR UPDATE

-- statuses --
-- Where the treatments of some campaigns stand.
SELECT campaign_id, treatment_id, status
FROM campaign_treatments
WHERE application_id = %(application_id)s AND campaign_id = ANY(%(campaign_ids)s::uuid[])
ORDER BY treatment_id

-- write_treatments --
-- Treatments of a campaign, in the place of those with their numbers. Rows stay the same ones: whoever waits for one of
-- them finds it changed, not gone. One that is to begin has not begun, whatever it did before.
INSERT INTO campaign_treatments AS t
    (application_id, campaign_id, treatment_id, status, frequency, due_at, next_run_id, next_start_at)
SELECT %(application_id)s::uuid, %(campaign_id)s::uuid, given.*
FROM json_to_recordset(%(treatments)s) AS given (
    treatment_id smallint, status text, frequency text, due_at timestamptz, next_run_id uuid, next_start_at timestamptz
)
ON CONFLICT (application_id, campaign_id, treatment_id) DO UPDATE SET
    status = excluded.status, frequency = excluded.frequency, due_at = excluded.due_at,
    next_run_id = excluded.next_run_id, next_start_at = excluded.next_start_at,
    begun_at = CASE excluded.status WHEN 'SCHEDULED' THEN NULL ELSE t.begun_at END

-- delete_treatments_from --
-- The treatments of a campaign from a number on.
DELETE FROM campaign_treatments
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s AND treatment_id >= %(number)s

-- delete_treatments --
-- The treatments of a campaign.
DELETE FROM campaign_treatments WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s

-- delete_all_treatments --
-- The treatments of all campaigns of an application.
DELETE FROM campaign_treatments WHERE application_id = %(application_id)s

-- insert_missed_run --
-- A run that never started, because its campaign was held up when its time came.
INSERT INTO campaign_runs
    (application_id, run_id, campaign_id, treatment_id, version, scheduled_at, ended_at, state, result, reason,
     is_triggered)
VALUES
    (%(application_id)s, %(run_id)s, %(campaign_id)s, %(treatment_id)s, %(version)s, %(scheduled_at)s, %(now)s,
     'CANCELLED', 'FAIL', %(reason)s, false)
ON CONFLICT DO NOTHING

-- cancel_runs --
-- Runs that are under way, of one campaign or of all of an application, end as cancelled.
UPDATE campaign_runs SET state = 'CANCELLED', result = 'FAIL', ended_at = %(now)s, reason = %(reason)s
WHERE application_id = %(application_id)s AND campaign_id = coalesce(%(campaign_id)s::uuid, campaign_id)
    AND state = 'RUNNING'

-- campaigns_of_segment --
-- The campaigns that use a segment, in whichever version.
SELECT id, application_id FROM documents WHERE kind = 'campaign' AND document->>'SegmentId' = %(segment_id)s ORDER BY id

-- count_active --
-- How many campaigns are active, over all applications.
SELECT count(DISTINCT campaign_id) AS campaigns
FROM campaign_treatments
WHERE status IN ('SCHEDULED', 'EXECUTING', 'PENDING_NEXT_RUN')

-- count_active_of_frequency --
-- How many of an application's campaigns of one frequency are active.
SELECT count(DISTINCT campaign_id) AS campaigns
FROM campaign_treatments
WHERE application_id = %(application_id)s AND frequency = %(frequency)s
    AND status IN ('SCHEDULED', 'EXECUTING', 'PENDING_NEXT_RUN')

-- newest_activities --
-- The runs of a campaign, those that come next among them, that stand before a given one, newest first. What batches
-- have counted that are not done is added to what the run has counted.
WITH items AS (
    (SELECT run_id, treatment_id, scheduled_at, started_at, ended_at, state, result, counts, timezones_total
     FROM campaign_runs
     WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s
        AND (scheduled_at, run_id) < (%(scheduled_before)s, %(id_before)s)
     ORDER BY scheduled_at DESC, run_id DESC
     LIMIT %(rows)s)
    UNION ALL
    SELECT next_run_id, treatment_id, next_start_at, NULL, NULL, 'PENDING', NULL, '{}', 0
    FROM campaign_treatments
    WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s
        AND (next_start_at, next_run_id) < (%(scheduled_before)s, %(id_before)s)
    ORDER BY scheduled_at DESC, run_id DESC
    LIMIT %(rows)s
)
SELECT i.run_id, i.treatment_id, i.scheduled_at, i.started_at, i.ended_at, i.state, i.result, i.timezones_total,
    summed_counts(i.counts || ARRAY(
        SELECT b.counts FROM campaign_batches b WHERE b.application_id = %(application_id)s AND b.run_id = i.run_id
    )) AS counts
FROM items i
ORDER BY i.scheduled_at DESC, i.run_id DESC

-- newest_runs --
-- The runs of a campaign, those that come next among them, that stand before a given one, newest first; without counts.
(SELECT run_id, treatment_id, version, scheduled_at, started_at, ended_at, state, reason, is_triggered
 FROM campaign_runs
 WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s
    AND (scheduled_at, run_id) < (%(scheduled_before)s, %(id_before)s)
 ORDER BY scheduled_at DESC, run_id DESC
 LIMIT %(rows)s)
UNION ALL
SELECT next_run_id, treatment_id, NULL, next_start_at, NULL, NULL, 'PENDING', NULL, false
FROM campaign_treatments
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s
    AND (next_start_at, next_run_id) < (%(scheduled_before)s, %(id_before)s)
ORDER BY scheduled_at DESC, run_id DESC
LIMIT %(rows)s

-- current_runs --
-- The newest run of each treatment of a campaign, and all that are under way, by treatment; what batches have counted
-- that are not done is added to what the run has counted.
WITH items AS (
    SELECT newest.*
    FROM campaign_treatments t, LATERAL (
        SELECT * FROM campaign_runs r
        WHERE r.application_id = t.application_id AND r.campaign_id = t.campaign_id
            AND r.treatment_id = t.treatment_id
        ORDER BY r.scheduled_at DESC
        LIMIT 1
    ) AS newest
    WHERE t.application_id = %(application_id)s AND t.campaign_id = %(campaign_id)s
    UNION
    SELECT * FROM campaign_runs
    WHERE state = 'RUNNING' AND application_id = %(application_id)s AND campaign_id = %(campaign_id)s
)
SELECT i.run_id, i.treatment_id, i.scheduled_at, i.state, i.result, i.reason, i.is_triggered,
    summed_counts(i.counts || ARRAY(
        SELECT b.counts FROM campaign_batches b WHERE b.application_id = %(application_id)s AND b.run_id = i.run_id
    )) AS counts
FROM items i
ORDER BY i.treatment_id, i.scheduled_at

-- next_start --
-- When the next run of a campaign starts; null when none will.
SELECT min(next_start_at) AS next_start_at FROM campaign_treatments
WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s

-- entries_of --
-- What the ledger says of an endpoint in some runs, of each the latest entries.
SELECT e.run_id, e.occurrence, e.decided_at, e.status, e.was_in_doubt, e.channel_type, e.message_id, e.detail
FROM unnest(%(run_ids)s::uuid[]) AS asked (run_id), LATERAL (
    SELECT * FROM deliveries d
    WHERE d.application_id = %(application_id)s AND d.run_id = asked.run_id AND d.endpoint_key = %(key)s
    ORDER BY d.occurrence DESC
    LIMIT %(rows)s
) AS e
ORDER BY e.occurrence DESC

-- waiting_in_batches --
-- In which of some runs an endpoint is still to come in a batch, or has its message on its way.
SELECT run_id, bool_or(is_sending) AS is_sending
FROM (
    SELECT run_id,
        coalesce(sending @> jsonb_build_array(jsonb_build_object('key', %(key)s::text)), false) AS is_sending,
        coalesce(triggers @> jsonb_build_array(jsonb_build_object('key', %(key)s::text)), false)
            OR (after_key < %(key)s AND (last_key IS NULL OR last_key >= %(key)s)) AS is_waiting
    FROM campaign_batches
    WHERE application_id = %(application_id)s AND run_id = ANY(%(run_ids)s::uuid[])
) AS b
WHERE is_sending OR is_waiting
GROUP BY run_id

-- turns_in_sweeps --
-- When an endpoint of a time zone has its turn in some runs over segments, null for never, and whether the run has cut
-- off what lies up to it. Who has no time zone is told in the first sweep.
SELECT run_id, min(due_at) FILTER (WHERE is_turn) AS due_at,
    coalesce(bool_and(is_past) FILTER (WHERE is_turn), false) AS is_past
FROM (
    SELECT run_id, due_at, is_cut OR cut_key >= %(key)s AS is_past,
        zones IS NULL OR coalesce(%(timezone)s::text = ANY(zones), number = 0) AS is_turn
    FROM campaign_sweeps
    WHERE application_id = %(application_id)s AND run_id = ANY(%(run_ids)s::uuid[])
) AS s
GROUP BY run_id

-- caps_of --
-- How often an endpoint was sent to, in all and since some time, as far as somebody counts.
SELECT scope_id, total, (SELECT count(*) FROM unnest(sent_at) AS each WHERE each > %(since)s) AS last_day
FROM cap_counts
WHERE application_id = %(application_id)s AND endpoint_key = %(key)s AND scope_id = ANY(%(scopes)s::uuid[])

-- doubts --
-- Messages that were in doubt, of one campaign or all, behind a given one: by runs, the newest first, and endpoints.
SELECT d.run_id, r.campaign_id, r.treatment_id, r.scheduled_at, d.endpoint_key, d.occurrence,
    coalesce(e.endpoint_id, d.endpoint_key) AS endpoint_id, d.channel_type, d.message_id, d.status, d.decided_at
FROM deliveries d
JOIN campaign_runs r ON r.application_id = d.application_id AND r.run_id = d.run_id
LEFT JOIN endpoints e ON e.application_id = d.application_id AND e.endpoint_key = d.endpoint_key
WHERE d.application_id = %(application_id)s AND d.was_in_doubt
    AND r.campaign_id = coalesce(%(campaign_id)s::uuid, r.campaign_id)
    AND (%(scheduled_before)s::timestamptz IS NULL
        OR (r.scheduled_at, r.run_id) < (%(scheduled_before)s, %(run_id)s)
        OR ((r.scheduled_at, r.run_id) = (%(scheduled_before)s, %(run_id)s)
            AND (d.endpoint_key, d.occurrence) > (%(after_key)s, %(after_occurrence)s)))
ORDER BY r.scheduled_at DESC, r.run_id DESC, d.endpoint_key, d.occurrence
LIMIT %(rows)s

-- clear_batches --
-- Some batches of a deleted application.
DELETE FROM campaign_batches WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM campaign_batches WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_sweeps --
-- Some sweeps of a deleted application.
DELETE FROM campaign_sweeps WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM campaign_sweeps WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_runs --
-- Some runs of a deleted application.
DELETE FROM campaign_runs WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM campaign_runs WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- clear_treatments --
-- Some treatments of a deleted application, of campaigns that were just being written when it was.
DELETE FROM campaign_treatments WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM campaign_treatments WHERE application_id = %(application_id)s LIMIT %(rows)s))

-- asking_endpoint --
-- What decides whether an endpoint is shown anything, nulls for one that is not there; no row without its application.
SELECT e.cohort, e.channel_type, e.endpoint_status, e.opt_out = 'ALL' AND e.opt_out_is_explicit
FROM documents d
LEFT JOIN endpoints e ON e.application_id = %(application_id)s::text::uuid AND e.endpoint_key = %(key)s
WHERE d.kind = 'app' AND d.id = %(application_id)s

-- in_app_campaigns --
-- The campaigns of an application with in-app treatments that may be shown, the oldest first, and which these are.
SELECT d.id, d.version, t.treatments
FROM (
    SELECT campaign_id, array_agg(treatment_id) AS treatments
    FROM campaign_treatments
    WHERE application_id = %(application_id)s::text::uuid AND frequency = 'IN_APP_EVENT'
        AND status IN ('SCHEDULED', 'EXECUTING')
    GROUP BY campaign_id
) AS t, LATERAL (
    SELECT id, version, created_at FROM documents
    WHERE kind = 'campaign' AND id = replace(t.campaign_id::text, '-', '') AND application_id = %(application_id)s
    OFFSET 0
) AS d
ORDER BY d.created_at, d.id

-- campaigns_by_id --
-- Some campaigns as they are now.
SELECT id, application_id, document, created_at, modified_at, version, length(document::text) FROM documents
WHERE kind = 'campaign' AND id = ANY(%(ids)s) AND application_id = %(application_id)s
