-- enqueue --
-- One run of a task, by the library's own function, which the NOTIFY at commit hangs on.
SELECT procrastinate_defer_jobs_v1(
    ARRAY[ROW('default', %(task)s, 0, NULL, NULL, %(arguments)s, NULL)]::procrastinate_job_to_defer_v1[]
)
