-- enqueue --
-- One run of a task, by the library's own function, which the NOTIFY at commit hangs on.
SELECT procrastinate_defer_jobs_v1(
    ARRAY[ROW(%(queue)s, %(task)s, 0, NULL, NULL, %(arguments)s, NULL)]::procrastinate_job_to_defer_v1[]
)

-- register --
-- A worker begins. What an earlier run under its name left behind is given back: nobody runs that any more.
WITH earlier AS (
    DELETE FROM procrastinate_workers USING workers
    WHERE workers.id = procrastinate_workers.id AND workers.name = %(name)s
    RETURNING procrastinate_workers.id
), given_back AS (
    UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL
    WHERE status = 'doing' AND worker_id IN (SELECT id FROM earlier)
), registered AS (
    INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id
)
INSERT INTO workers (id, name) SELECT id, %(name)s FROM registered RETURNING id

-- beat --
-- A worker says that it lives; no row when it has been taken over. Tells whether others have stopped saying so.
UPDATE procrastinate_workers SET last_heartbeat = now()
WHERE id = %(worker)s
RETURNING EXISTS (
    SELECT FROM procrastinate_workers AS other
    WHERE other.id <> %(worker)s AND other.last_heartbeat < now() - make_interval(secs => %(lease_s)s)
) AS others_stalled

-- stalled --
-- Workers whose lease has ended, held until the transaction ends; those that another is taking over are left to it.
-- With `also_dead` also those without any session: a worker that lives has at least one, but none while the server
-- itself was away, so this is asked only by a worker that begins.
SELECT worker.id, workers.name
FROM procrastinate_workers AS worker
LEFT JOIN workers ON workers.id = worker.id
WHERE worker.id <> %(worker)s
    AND (
        worker.last_heartbeat < now() - make_interval(secs => %(lease_s)s)
        OR %(also_dead)s AND NOT EXISTS (
            SELECT FROM pg_stat_activity AS session
            WHERE session.datname = current_database() AND session.application_name = workers.name
        )
    )
ORDER BY worker.id
FOR UPDATE OF worker SKIP LOCKED

-- end_sessions --
-- Ends every session of these workers and waits until it has ended: a frozen one holds locks and could yet commit.
SELECT pg_terminate_backend(pid, 5000)
FROM pg_stat_activity
WHERE datname = current_database() AND application_name = ANY(%(names)s) AND pid <> pg_backend_pid()

-- give_back --
-- The tasks of these workers wait again, at once; attempts count failures only.
UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL, scheduled_at = NULL
WHERE status = 'doing' AND worker_id = ANY(%(workers)s)
RETURNING id, task_name

-- wake --
-- Wakes the workers, as the library does when a task is queued.
SELECT pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": 0}')

-- unregister --
-- These workers are gone; a frozen one that wakes up finds no row to beat and, by the foreign key, gets no more tasks.
DELETE FROM procrastinate_workers WHERE id = ANY(%(workers)s)

-- finish --
-- A task is done and forgotten; no row when it is not this worker's any more.
DELETE FROM procrastinate_jobs WHERE id = %(id)s AND worker_id = %(worker)s AND status = 'doing'

-- fail --
-- A task has failed for good; it is kept for a while to be looked at.
UPDATE procrastinate_jobs SET status = 'failed', attempts = attempts + 1
WHERE id = %(id)s AND worker_id = %(worker)s AND status = 'doing'

-- postpone --
-- A task waits for its next run; `failures` is 0 when it did not fail but was only interrupted.
UPDATE procrastinate_jobs
SET status = 'todo', worker_id = NULL, scheduled_at = now() + make_interval(secs => %(delay_s)s),
    attempts = attempts + %(failures)s
WHERE id = %(id)s AND worker_id = %(worker)s AND status = 'doing'

-- forget --
-- Failed tasks older than the retention.
DELETE FROM procrastinate_jobs AS job
WHERE job.status IN ('failed', 'cancelled', 'aborted', 'succeeded')
    AND (SELECT max(event.at) FROM procrastinate_events AS event WHERE event.job_id = job.id)
        < now() - make_interval(days => %(days)s)

-- waiting --
-- How many tasks could run now or run already.
SELECT count(*)
FROM procrastinate_jobs
WHERE status = 'doing' OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
