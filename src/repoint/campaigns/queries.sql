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
-- them finds it changed, not gone.
INSERT INTO campaign_treatments AS t
    (application_id, campaign_id, treatment_id, status, frequency, due_at, next_run_id, next_start_at)
SELECT %(application_id)s::uuid, %(campaign_id)s::uuid, given.*
FROM json_to_recordset(%(treatments)s) AS given (
    treatment_id smallint, status text, frequency text, due_at timestamptz, next_run_id uuid, next_start_at timestamptz
)
ON CONFLICT (application_id, campaign_id, treatment_id) DO UPDATE SET
    status = excluded.status, frequency = excluded.frequency, due_at = excluded.due_at,
    next_run_id = excluded.next_run_id, next_start_at = excluded.next_start_at

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

-- delete_pace --
-- How fast a campaign sends, which nobody asks any more.
DELETE FROM campaign_paces WHERE application_id = %(application_id)s AND campaign_id = %(campaign_id)s

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
       summed.counts
FROM items i, LATERAL (
    SELECT coalesce(jsonb_object_agg(name, total), '{}') AS counts
    FROM (
        SELECT name, sum(counted::bigint) AS total
        FROM (
            SELECT * FROM jsonb_each_text(i.counts)
            UNION ALL
            SELECT each.*
            FROM campaign_batches b, jsonb_each_text(b.counts) AS each
            WHERE b.application_id = %(application_id)s AND b.run_id = i.run_id
        ) AS all_counts (name, counted)
        GROUP BY name
    ) AS by_name
) AS summed
ORDER BY i.scheduled_at DESC, i.run_id DESC

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

-- clear_paces --
-- Some paces of a deleted application.
DELETE FROM campaign_paces WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM campaign_paces WHERE application_id = %(application_id)s LIMIT %(rows)s))
