-- The sum of counts by name: of a run's own, and of those that its unfinished batches hold.
CREATE FUNCTION summed_counts(counts jsonb[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (
    SELECT coalesce(jsonb_object_agg(name, total), '{}')
    FROM (
        SELECT name, sum(counted::bigint) AS total
        FROM unnest(counts) AS part (counts), jsonb_each_text(part.counts) AS e (name, counted)
        GROUP BY name
    ) AS by_name
);
