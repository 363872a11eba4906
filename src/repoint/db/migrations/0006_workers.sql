-- The sessions of a worker, by the name they carry in pg_stat_activity: whoever takes over its tasks ends them first.
CREATE TABLE workers (
    id bigint PRIMARY KEY REFERENCES procrastinate_workers (id) ON DELETE CASCADE,
    name text NOT NULL
);
CREATE INDEX workers_name ON workers (name);
