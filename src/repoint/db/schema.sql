-- Made from the migrations by `python -m repoint.db.schema`; never edited.

CREATE FUNCTION public.add_events_day(day date) RETURNS boolean
    LANGUAGE plpgsql
    AS $_$
DECLARE
    name text := events_partition(day);
    since timestamptz := day::timestamp AT TIME ZONE 'UTC';
    until timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Who has begun to write ends before, who comes waits here and then sees the new place. Waiting for the second lock
    -- alone, writers had chosen the place for all others already. Readers wait for the second one only.
    LOCK TABLE ONLY events IN SHARE ROW EXCLUSIVE MODE;
    -- Nobody may look at a row of this day while rows of it move.
    LOCK TABLE events_unsorted IN ACCESS EXCLUSIVE MODE;
    -- Two workers may have come here.
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format(
        'WITH moved AS (DELETE FROM events_unsorted WHERE logged_at >= $1 AND logged_at < $2 RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', name) USING since, until;
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, since, until);
    RETURN true;
END $_$;

CREATE FUNCTION public.contract_instant(at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char((at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text);

CREATE FUNCTION public.distance_km(latitude double precision, longitude double precision, to_latitude double precision, to_longitude double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((latitude IS NOT NULL) AND (longitude IS NOT NULL)) THEN ((12742)::double precision * asin(sqrt(LEAST((1)::double precision, ((sind(((to_latitude - latitude) / (2)::double precision)) ^ (2)::double precision) + ((cosd(latitude) * cosd(to_latitude)) * (sind(((to_longitude - longitude) / (2)::double precision)) ^ (2)::double precision))))))) ELSE NULL::double precision END;

CREATE FUNCTION public.drop_events_day(day date) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('DROP TABLE %I', events_partition(day));
END $$;

CREATE TABLE public.endpoints (
    application_id uuid NOT NULL,
    endpoint_key text NOT NULL COLLATE pg_catalog."C",
    endpoint_id text NOT NULL,
    channel_type text,
    address text,
    attributes jsonb NOT NULL,
    metrics jsonb NOT NULL,
    app_version text,
    locale text,
    make text,
    model text,
    model_version text,
    platform text,
    platform_version text,
    timezone text,
    city text,
    country text,
    postal_code text,
    region text,
    latitude double precision,
    longitude double precision,
    cohort smallint NOT NULL,
    endpoint_status text NOT NULL,
    opt_out text NOT NULL,
    opt_out_is_explicit boolean NOT NULL,
    user_key text COLLATE pg_catalog."C",
    own_user_attributes jsonb,
    effective_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    request_id text NOT NULL,
    size_bound integer NOT NULL,
    CONSTRAINT endpoints_check CHECK (((own_user_attributes IS NULL) OR (user_key IS NULL))),
    CONSTRAINT endpoints_cohort_check CHECK (((cohort >= 0) AND (cohort <= 99))),
    CONSTRAINT endpoints_endpoint_status_check CHECK ((endpoint_status = ANY (ARRAY['ACTIVE'::text, 'INACTIVE'::text]))),
    CONSTRAINT endpoints_opt_out_check CHECK ((opt_out = ANY (ARRAY['ALL'::text, 'NONE'::text])))
)
WITH (fillfactor='67');

CREATE TABLE public.users (
    application_id uuid NOT NULL,
    user_key text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL,
    attributes jsonb NOT NULL,
    endpoint_count integer NOT NULL,
    size_bound integer NOT NULL,
    CONSTRAINT users_endpoint_count_check CHECK ((endpoint_count > 0))
)
WITH (fillfactor='80');

CREATE FUNCTION public.endpoint_document(e public.endpoints, u public.users) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat('{"Id":', (to_json((e).endpoint_id))::text, ',"ApplicationId":"', replace(((e).application_id)::text, '-'::text, ''::text), '"', ((',"ChannelType":"'::text || (e).channel_type) || '"'::text), (',"Address":'::text || (to_json((e).address))::text), ',"EndpointStatus":"', (e).endpoint_status, '","OptOut":"', (e).opt_out, '"', ',"Attributes":', ((e).attributes)::text, ',"Metrics":', ((e).metrics)::text, CASE WHEN (num_nonnulls((e).app_version, (e).locale, (e).make, (e).model, (e).model_version, (e).platform, (e).platform_version, (e).timezone) > 0) THEN concat(',"Demographic":{', ltrim(concat((',"AppVersion":'::text || (to_json((e).app_version))::text), (',"Locale":'::text || (to_json((e).locale))::text), (',"Make":'::text || (to_json((e).make))::text), (',"Model":'::text || (to_json((e).model))::text), (',"ModelVersion":'::text || (to_json((e).model_version))::text), (',"Platform":'::text || (to_json((e).platform))::text), (',"PlatformVersion":'::text || (to_json((e).platform_version))::text), (',"Timezone":'::text || (to_json((e).timezone))::text)), ','::text), '}') ELSE NULL::text END, CASE WHEN (num_nonnulls((e).city, (e).country, (e).postal_code, (e).region, (e).latitude, (e).longitude) > 0) THEN concat(',"Location":{', ltrim(concat((',"City":'::text || (to_json((e).city))::text), (',"Country":'::text || (to_json((e).country))::text), (',"Latitude":'::text || ((e).latitude)::text), (',"Longitude":'::text || ((e).longitude)::text), (',"PostalCode":'::text || (to_json((e).postal_code))::text), (',"Region":'::text || (to_json((e).region))::text)), ','::text), '}') ELSE NULL::text END, ',"User":{', ltrim(concat((',"UserId":'::text || (to_json((u).user_id))::text), (',"UserAttributes":'::text || (NULLIF(COALESCE((u).attributes, (e).own_user_attributes), '{}'::jsonb))::text)), ','::text), '}', ',"CohortId":"', ((e).cohort)::text, '","RequestId":', (to_json((e).request_id))::text, ',"CreationDate":"', public.contract_instant((e).created_at), '","EffectiveDate":"', public.contract_instant((e).effective_at), '"}');

CREATE FUNCTION public.events_partition(day date) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN ('events_'::text || to_char((day)::timestamp with time zone, 'YYYYMMDD'::text));

CREATE FUNCTION public.instant_text(stored text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((substr(stored, 5, 3) = ANY ('{-01,-02,-03,-04,-05,-06,-07,-08,-09,-10,-11,-12}'::text[])) AND (substr(stored, 8, 3) = ANY ('{-01,-02,-03,-04,-05,-06,-07,-08,-09,-10,-11,-12,-13,-14,-15,-16,-17,-18,-19,-20,-21,-22,-23,-24,-25,-26,-27,-28,-29,-30,-31}'::text[])) AND (substr(stored, 11, 3) = ANY ('{T00,T01,T02,T03,T04,T05,T06,T07,T08,T09,T10,T11,T12,T13,T14,T15,T16,T17,T18,T19,T20,T21,T22,T23}'::text[])) AND (substr(stored, 14, 3) = ANY ('{:00,:01,:02,:03,:04,:05,:06,:07,:08,:09,:10,:11,:12,:13,:14,:15,:16,:17,:18,:19,:20,:21,:22,:23,:24,:25,:26,:27,:28,:29,:30,:31,:32,:33,:34,:35,:36,:37,:38,:39,:40,:41,:42,:43,:44,:45,:46,:47,:48,:49,:50,:51,:52,:53,:54,:55,:56,:57,:58,:59}'::text[])) AND (substr(stored, 17, 3) = ANY ('{:00,:01,:02,:03,:04,:05,:06,:07,:08,:09,:10,:11,:12,:13,:14,:15,:16,:17,:18,:19,:20,:21,:22,:23,:24,:25,:26,:27,:28,:29,:30,:31,:32,:33,:34,:35,:36,:37,:38,:39,:40,:41,:42,:43,:44,:45,:46,:47,:48,:49,:50,:51,:52,:53,:54,:55,:56,:57,:58,:59}'::text[])) AND ("left"(stored, 2) = ANY ('{00,01,02,03,04,05,06,07,08,09,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,91,92,93,94,95,96,97,98,99}'::text[])) AND (substr(stored, 3, 2) = ANY ('{00,01,02,03,04,05,06,07,08,09,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,91,92,93,94,95,96,97,98,99}'::text[])) AND ((substr(stored, 20) = 'Z'::text) OR (substr(stored, 20) ~ '^[.][0-9]{1,9}Z$'::text)) AND (substr(stored, 5, 6) <> ALL ('{-02-30,-02-31,-04-31,-06-31,-09-31,-11-31}'::text[])) AND ((substr(stored, 5, 6) <> '-02-29'::text) OR (CASE substr(stored, 3, 2) WHEN '00'::text THEN "left"(stored, 2) ELSE substr(stored, 3, 2) END = ANY ('{00,04,08,12,16,20,24,28,32,36,40,44,48,52,56,60,64,68,72,76,80,84,88,92,96}'::text[])))) THEN (rpad((("left"(stored, 19) || '.'::text) || rtrim(substr(stored, 21), 'Z'::text)), 29, '0'::text) COLLATE "C") ELSE NULL::text END;

CREATE FUNCTION public.key_hash(application_id uuid, key text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended(key, uuid_hash_extended(application_id, (0)::bigint));

CREATE TABLE public.endpoint_snapshots (
    application_id uuid NOT NULL,
    endpoint_key text NOT NULL COLLATE pg_catalog."C",
    endpoint_id text NOT NULL,
    channel_type text,
    address text,
    attributes jsonb NOT NULL,
    metrics jsonb NOT NULL,
    app_version text,
    locale text,
    make text,
    model text,
    model_version text,
    platform text,
    platform_version text,
    timezone text,
    city text,
    country text,
    postal_code text,
    region text,
    latitude double precision,
    longitude double precision,
    cohort smallint NOT NULL,
    endpoint_status text NOT NULL,
    opt_out text NOT NULL,
    opt_out_is_explicit boolean NOT NULL,
    user_key text COLLATE pg_catalog."C",
    own_user_attributes jsonb,
    effective_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    request_id text NOT NULL,
    size_bound integer NOT NULL,
    segment_id uuid NOT NULL,
    version integer NOT NULL,
    user_id text,
    CONSTRAINT endpoint_snapshots_cohort_check CHECK (((cohort >= 0) AND (cohort <= 99))),
    CONSTRAINT endpoint_snapshots_endpoint_status_check CHECK ((endpoint_status = ANY (ARRAY['ACTIVE'::text, 'INACTIVE'::text]))),
    CONSTRAINT endpoint_snapshots_opt_out_check CHECK ((opt_out = ANY (ARRAY['ALL'::text, 'NONE'::text])))
);

CREATE FUNCTION public.snapshot_endpoint(s public.endpoint_snapshots) RETURNS public.endpoints
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ROW((s).application_id, (s).endpoint_key, (s).endpoint_id, (s).channel_type, (s).address, (s).attributes, (s).metrics, (s).app_version, (s).locale, (s).make, (s).model, (s).model_version, (s).platform, (s).platform_version, (s).timezone, (s).city, (s).country, (s).postal_code, (s).region, (s).latitude, (s).longitude, (s).cohort, (s).endpoint_status, (s).opt_out, (s).opt_out_is_explicit, (s).user_key, (s).own_user_attributes, (s).effective_at, (s).created_at, (s).request_id, (s).size_bound)::public.endpoints;

CREATE FUNCTION public.snapshot_user(s public.endpoint_snapshots) RETURNS public.users
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ROW((s).application_id, (s).user_key, (s).user_id, (s).own_user_attributes, 1, 0)::public.users;

CREATE FUNCTION public.summed_counts(counts jsonb[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT COALESCE(jsonb_object_agg(by_name.name, by_name.total), '{}'::jsonb) AS "coalesce" FROM (SELECT e.name, sum((e.counted)::bigint) AS total FROM unnest(summed_counts.counts) part(counts), LATERAL jsonb_each_text(part.counts) e(name, counted) GROUP BY e.name) by_name);

CREATE TABLE public.access_keys (
    access_key_id text NOT NULL COLLATE pg_catalog."C",
    secret bytea NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    policy json,
    policy_version integer DEFAULT 0 NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT access_keys_check CHECK (((status = 'REVOKED'::text) = (revoked_at IS NOT NULL))),
    CONSTRAINT access_keys_name_check CHECK ((name <> ''::text)),
    CONSTRAINT access_keys_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'REVOKED'::text]))),
    CONSTRAINT access_keys_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);

CREATE TABLE public.attribute_names (
    application_id uuid NOT NULL,
    attribute_type text NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    removed_at timestamp with time zone
);

CREATE TABLE public.attribute_recounts (
    application_id uuid NOT NULL,
    recounted_at timestamp with time zone NOT NULL
);

CREATE TABLE public.audit_records (
    id bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    user_name text NOT NULL COLLATE pg_catalog."C",
    event_name text NOT NULL COLLATE pg_catalog."C",
    record text NOT NULL
);

ALTER TABLE public.audit_records ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_records_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.bounce_mailboxes (
    name text NOT NULL COLLATE pg_catalog."C",
    next_at timestamp with time zone NOT NULL
);

CREATE TABLE public.campaign_batches (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    number bigint NOT NULL,
    sweep integer,
    after_key text COLLATE pg_catalog."C",
    last_key text COLLATE pg_catalog."C",
    triggers jsonb,
    sending jsonb,
    step bigint DEFAULT 0 NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    worker text,
    leased_until timestamp with time zone,
    CONSTRAINT campaign_batches_check CHECK (((triggers IS NULL) <> (after_key IS NULL)))
)
WITH (fillfactor='20');

ALTER TABLE public.campaign_batches ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.campaign_batches_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.paces (
    application_id uuid NOT NULL,
    scope_id uuid NOT NULL,
    free_at timestamp with time zone NOT NULL
)
WITH (fillfactor='20');

CREATE VIEW public.campaign_paces AS
 SELECT application_id,
    scope_id AS campaign_id,
    free_at
   FROM public.paces;

CREATE TABLE public.campaign_runs (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    treatment_id smallint NOT NULL,
    version integer NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    state text NOT NULL,
    result text,
    reason text,
    is_triggered boolean NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    timezones_total integer DEFAULT 0 NOT NULL,
    CONSTRAINT campaign_runs_check CHECK (((state = 'RUNNING'::text) = (ended_at IS NULL))),
    CONSTRAINT campaign_runs_check1 CHECK (((state = 'RUNNING'::text) = (result IS NULL))),
    CONSTRAINT campaign_runs_result_check CHECK ((result = ANY (ARRAY['SUCCESS'::text, 'FAIL'::text]))),
    CONSTRAINT campaign_runs_state_check CHECK ((state = ANY (ARRAY['RUNNING'::text, 'CANCELLED'::text, 'COMPLETED'::text])))
);

CREATE TABLE public.campaign_sweeps (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    number integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    zones text[],
    cut_key text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    is_cut boolean DEFAULT false NOT NULL
);

CREATE TABLE public.campaign_treatments (
    application_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    treatment_id smallint NOT NULL,
    status text NOT NULL,
    frequency text NOT NULL,
    due_at timestamp with time zone,
    next_run_id uuid,
    next_start_at timestamp with time zone,
    begun_at timestamp with time zone,
    CONSTRAINT campaign_treatments_frequency_check CHECK ((frequency = ANY (ARRAY['ONCE'::text, 'HOURLY'::text, 'DAILY'::text, 'WEEKLY'::text, 'MONTHLY'::text, 'EVENT'::text, 'IN_APP_EVENT'::text]))),
    CONSTRAINT campaign_treatments_status_check CHECK ((status = ANY (ARRAY['SCHEDULED'::text, 'EXECUTING'::text, 'PENDING_NEXT_RUN'::text, 'COMPLETED'::text, 'PAUSED'::text, 'INVALID'::text]))),
    CONSTRAINT campaign_treatments_treatment_id_check CHECK (((treatment_id >= 0) AND (treatment_id <= 4)))
);

CREATE TABLE public.cap_counts (
    application_id uuid NOT NULL,
    endpoint_key text NOT NULL COLLATE pg_catalog."C",
    scope_id uuid NOT NULL,
    total integer DEFAULT 0 NOT NULL,
    sent_at timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL
)
WITH (fillfactor='80');

CREATE TABLE public.deliveries (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    endpoint_key text NOT NULL COLLATE pg_catalog."C",
    occurrence bigint NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    was_in_doubt boolean DEFAULT false NOT NULL,
    channel_type text,
    message_id text COLLATE pg_catalog."C",
    detail text,
    activity_id text COLLATE pg_catalog."C"
);

CREATE TABLE public.document_versions (
    kind text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    document jsonb NOT NULL,
    modified_at timestamp with time zone NOT NULL,
    CONSTRAINT document_versions_document_check CHECK ((jsonb_typeof(document) = 'object'::text)),
    CONSTRAINT document_versions_version_check CHECK ((version > 0))
);

CREATE TABLE public.documents (
    kind text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    application_id text NOT NULL COLLATE pg_catalog."C",
    document jsonb NOT NULL,
    tags jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    modified_at timestamp with time zone NOT NULL,
    version integer,
    CONSTRAINT documents_document_check CHECK ((jsonb_typeof(document) = 'object'::text)),
    CONSTRAINT documents_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text)),
    CONSTRAINT documents_version_check CHECK ((version > 0))
);

CREATE TABLE public.dry_run_users (
    application_id uuid NOT NULL,
    user_key text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.endpoint_activity (
    application_id uuid NOT NULL,
    endpoint_key text NOT NULL COLLATE pg_catalog."C",
    active_at timestamp with time zone NOT NULL
)
WITH (fillfactor='80');

CREATE SEQUENCE public.event_positions
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.event_readers (
    application_id uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    logged_at timestamp with time zone NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    leased_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    is_paused boolean DEFAULT false NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    retry_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    last_error text,
    delivered bigint DEFAULT 0 NOT NULL,
    set_aside bigint DEFAULT 0 NOT NULL,
    dropped bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.events (
    "position" bigint DEFAULT nextval('public.event_positions'::regclass) NOT NULL,
    application_id uuid NOT NULL,
    logged_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    event_type text NOT NULL COLLATE pg_catalog."C",
    endpoint_key text COLLATE pg_catalog."C",
    event_hash uuid,
    is_repeat boolean NOT NULL,
    record json NOT NULL,
    journey_id uuid
)
PARTITION BY RANGE (logged_at);

CREATE TABLE public.events_set_aside (
    application_id uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    set_aside_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    record text NOT NULL
);

CREATE TABLE public.events_unsorted (
    "position" bigint DEFAULT nextval('public.event_positions'::regclass) NOT NULL,
    application_id uuid NOT NULL,
    logged_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    event_type text NOT NULL COLLATE pg_catalog."C",
    endpoint_key text COLLATE pg_catalog."C",
    event_hash uuid,
    is_repeat boolean NOT NULL,
    record json NOT NULL,
    journey_id uuid
);

CREATE TABLE public.export_pieces (
    application_id uuid NOT NULL,
    job_id text NOT NULL COLLATE pg_catalog."C",
    piece_no integer NOT NULL,
    after_key text NOT NULL COLLATE pg_catalog."C",
    last_key text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.file_uploads (
    id text NOT NULL COLLATE pg_catalog."C",
    bucket text NOT NULL,
    key text NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    size_bytes bigint,
    etag text,
    completed_at timestamp with time zone,
    CONSTRAINT file_uploads_check CHECK ((((completed_at IS NULL) = (etag IS NULL)) AND ((completed_at IS NULL) = (size_bytes IS NULL)))),
    CONSTRAINT file_uploads_id_check CHECK ((id ~ '^[0-9a-f]{32}$'::text))
);

CREATE TABLE public.import_errors (
    application_id uuid NOT NULL,
    job_id text NOT NULL COLLATE pg_catalog."C",
    object_no integer NOT NULL,
    line_no bigint NOT NULL,
    object_url text NOT NULL,
    errors json NOT NULL
);

CREATE TABLE public.import_objects (
    application_id uuid NOT NULL,
    job_id text NOT NULL COLLATE pg_catalog."C",
    object_no integer NOT NULL,
    key text NOT NULL,
    etag text NOT NULL,
    pieces integer NOT NULL,
    header text NOT NULL,
    failure text,
    CONSTRAINT import_objects_pieces_check CHECK ((pieces > 0))
);

CREATE TABLE public.inbound_messages (
    id uuid NOT NULL,
    provider_id text COLLATE pg_catalog."C",
    received_at timestamp with time zone NOT NULL,
    origination_number text NOT NULL COLLATE pg_catalog."C",
    destination_number text NOT NULL COLLATE pg_catalog."C",
    body text,
    previous_message_id text,
    reply text
);

CREATE TABLE public.inbound_parts (
    origination_number text NOT NULL COLLATE pg_catalog."C",
    destination_number text NOT NULL COLLATE pg_catalog."C",
    reference integer NOT NULL,
    total smallint NOT NULL,
    number smallint NOT NULL,
    body text NOT NULL,
    received_at timestamp with time zone NOT NULL
);

CREATE TABLE public.job_members (
    application_id uuid NOT NULL,
    job_id text NOT NULL COLLATE pg_catalog."C",
    endpoint_key text NOT NULL COLLATE pg_catalog."C",
    segment_id uuid,
    version integer,
    CONSTRAINT job_members_check CHECK (((segment_id IS NULL) = (version IS NULL)))
);

CREATE TABLE public.jobs (
    application_id uuid NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL,
    status text NOT NULL,
    definition json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    total_pieces integer DEFAULT 0 NOT NULL,
    completed_pieces integer DEFAULT 0 NOT NULL,
    failed_pieces integer DEFAULT 0 NOT NULL,
    total_processed bigint DEFAULT 0 NOT NULL,
    total_failures bigint DEFAULT 0 NOT NULL,
    failures text[] DEFAULT '{}'::text[] NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    object_no integer DEFAULT 0 NOT NULL,
    line_no bigint DEFAULT 0 NOT NULL,
    definition_count bigint DEFAULT 0 NOT NULL,
    segment_id text COLLATE pg_catalog."C",
    segment_version integer,
    keeps_status boolean DEFAULT false NOT NULL,
    statuses_ignored bigint DEFAULT 0 NOT NULL,
    CONSTRAINT jobs_check CHECK (((completed_at IS NOT NULL) = (status = ANY (ARRAY['COMPLETED'::text, 'FAILED'::text])))),
    CONSTRAINT jobs_failures_check CHECK ((cardinality(failures) <= 100)),
    CONSTRAINT jobs_id_check CHECK ((id ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT jobs_status_check CHECK ((status = ANY (ARRAY['CREATED'::text, 'PREPARING_FOR_INITIALIZATION'::text, 'INITIALIZING'::text, 'PROCESSING'::text, 'PENDING_JOB'::text, 'COMPLETING'::text, 'COMPLETED'::text, 'FAILING'::text, 'FAILED'::text]))),
    CONSTRAINT jobs_type_check CHECK ((type = ANY (ARRAY['DRY_RUN'::text, 'EXPORT'::text, 'IMPORT'::text])))
);

CREATE TABLE public.journey_arrivals (
    application_id uuid NOT NULL,
    "position" bigint NOT NULL,
    journey_id uuid NOT NULL,
    endpoint_key text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    event_position bigint NOT NULL
);

ALTER TABLE public.journey_arrivals ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_arrivals_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journey_counts (
    application_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    run_id uuid NOT NULL,
    activity_id text NOT NULL COLLATE pg_catalog."C",
    lane smallint NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL
)
WITH (fillfactor='20');

CREATE TABLE public.journey_lanes (
    application_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    lane smallint NOT NULL,
    wake_at timestamp with time zone,
    sending jsonb,
    step bigint DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    worker text,
    leased_until timestamp with time zone
)
WITH (fillfactor='20');

CREATE TABLE public.journey_runs (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    number integer NOT NULL,
    state text NOT NULL,
    segment_version integer,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    CONSTRAINT journey_runs_state_check CHECK ((state = ANY (ARRAY['SCHEDULED'::text, 'RUNNING'::text, 'COMPLETED'::text, 'CANCELLED'::text])))
);

CREATE TABLE public.journey_states (
    application_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    state text NOT NULL,
    is_deleted boolean DEFAULT false NOT NULL,
    published_at timestamp with time zone NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    paused_at timestamp with time zone,
    paused_for interval DEFAULT '00:00:00'::interval NOT NULL,
    look_at timestamp with time zone,
    is_of_events boolean NOT NULL,
    defaults jsonb NOT NULL,
    segment_id uuid,
    segment_version integer,
    is_of_users boolean DEFAULT false NOT NULL,
    CONSTRAINT journey_states_check CHECK (((state = 'PAUSED'::text) = (paused_at IS NOT NULL))),
    CONSTRAINT journey_states_state_check CHECK ((state = ANY (ARRAY['ACTIVE'::text, 'PAUSED'::text, 'CANCELLED'::text, 'CLOSED'::text, 'COMPLETED'::text])))
);

CREATE TABLE public.journey_sweeps (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    number integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    zones text[],
    cut_key text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    is_cut boolean DEFAULT false NOT NULL
);

CREATE TABLE public.journey_wakes (
    application_id uuid NOT NULL,
    "position" bigint NOT NULL,
    journey_id uuid NOT NULL,
    lane smallint NOT NULL,
    participant text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE public.journey_wakes ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journey_wakes_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.mailbox (
    "position" bigint NOT NULL,
    application_id uuid NOT NULL,
    message_id text NOT NULL COLLATE pg_catalog."C",
    kept_at timestamp with time zone NOT NULL,
    channel_type text NOT NULL,
    address text NOT NULL,
    headline text NOT NULL,
    content bytea NOT NULL
);

ALTER TABLE public.mailbox ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mailbox_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.message_parts (
    receipt_id text NOT NULL COLLATE pg_catalog."C",
    application_id uuid NOT NULL,
    message_id text NOT NULL COLLATE pg_catalog."C",
    sent_at timestamp with time zone NOT NULL
);

CREATE TABLE public.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.one_time_passwords (
    application_id uuid NOT NULL,
    destination text NOT NULL COLLATE pg_catalog."C",
    reference_id text NOT NULL COLLATE pg_catalog."C",
    salt bytea NOT NULL,
    hash bytea NOT NULL,
    attempts_left smallint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT one_time_passwords_attempts_left_check CHECK ((attempts_left > 0))
);

CREATE TABLE public.queue_migrations (
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.receipts (
    receipt_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    is_matched boolean DEFAULT false NOT NULL,
    price_millicents double precision
);

CREATE TABLE public.segment_members (
    application_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    version integer NOT NULL,
    endpoint_key text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.segment_users (
    application_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    version integer NOT NULL,
    user_key text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.sent_messages (
    application_id uuid NOT NULL,
    message_id text NOT NULL COLLATE pg_catalog."C",
    sent_at timestamp with time zone NOT NULL,
    channel_type text NOT NULL,
    client_id text NOT NULL,
    endpoint_key text COLLATE pg_catalog."C",
    provider_message_id text COLLATE pg_catalog."C",
    detail json NOT NULL,
    receipt_due_at timestamp with time zone
);

CREATE UNLOGGED TABLE public.sms_turns (
    number text NOT NULL COLLATE pg_catalog."C",
    free_at timestamp with time zone NOT NULL
);

CREATE TABLE public.suppressions (
    channel_type text NOT NULL,
    address text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    suppressed_at timestamp with time zone NOT NULL,
    CONSTRAINT suppressions_channel_type_check CHECK ((channel_type = ANY (ARRAY['EMAIL'::text, 'SMS'::text]))),
    CONSTRAINT suppressions_reason_check CHECK ((reason = ANY (ARRAY['BOUNCE'::text, 'COMPLAINT'::text, 'OPT_OUT'::text, 'OPERATOR'::text])))
);

CREATE TABLE public.told (
    application_id uuid NOT NULL,
    message_id text NOT NULL COLLATE pg_catalog."C",
    what text NOT NULL COLLATE pg_catalog."C",
    told_at timestamp with time zone NOT NULL
);

CREATE TABLE public.told_early (
    "position" bigint NOT NULL,
    application_id uuid,
    message_ids text[] NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    happened_at timestamp with time zone NOT NULL,
    key text NOT NULL,
    what json NOT NULL,
    came_at timestamp with time zone NOT NULL,
    look_at timestamp with time zone NOT NULL
);

ALTER TABLE public.told_early ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.told_early_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.visits (
    application_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    participant text NOT NULL COLLATE pg_catalog."C",
    lane smallint NOT NULL,
    run_id uuid NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    entries integer DEFAULT 1 NOT NULL,
    segment_id uuid,
    segment_version integer,
    activity_id text COLLATE pg_catalog."C",
    arrived_at timestamp with time zone NOT NULL,
    is_waiting boolean DEFAULT false NOT NULL,
    due_at timestamp with time zone,
    is_absolute boolean DEFAULT false NOT NULL,
    waits_for_event boolean DEFAULT false NOT NULL,
    seed bigint NOT NULL,
    performed jsonb DEFAULT '{}'::jsonb NOT NULL,
    answers jsonb DEFAULT '{}'::jsonb NOT NULL,
    waits_until timestamp with time zone,
    CONSTRAINT visits_check CHECK (((activity_id IS NULL) = (due_at IS NULL)))
)
WITH (fillfactor='80');

CREATE TABLE public.workers (
    id bigint NOT NULL,
    name text NOT NULL
);

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_unsorted DEFAULT;

ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT access_keys_pkey PRIMARY KEY (access_key_id);

ALTER TABLE ONLY public.attribute_names
    ADD CONSTRAINT attribute_names_pkey PRIMARY KEY (application_id, attribute_type, name);

ALTER TABLE ONLY public.attribute_recounts
    ADD CONSTRAINT attribute_recounts_pkey PRIMARY KEY (application_id);

ALTER TABLE ONLY public.audit_records
    ADD CONSTRAINT audit_records_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.bounce_mailboxes
    ADD CONSTRAINT bounce_mailboxes_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.campaign_batches
    ADD CONSTRAINT campaign_batches_pkey PRIMARY KEY (application_id, run_id, number);

ALTER TABLE ONLY public.campaign_runs
    ADD CONSTRAINT campaign_runs_pkey PRIMARY KEY (application_id, run_id);

ALTER TABLE ONLY public.campaign_sweeps
    ADD CONSTRAINT campaign_sweeps_pkey PRIMARY KEY (application_id, run_id, number);

ALTER TABLE ONLY public.campaign_treatments
    ADD CONSTRAINT campaign_treatments_pkey PRIMARY KEY (application_id, campaign_id, treatment_id);

ALTER TABLE ONLY public.cap_counts
    ADD CONSTRAINT cap_counts_pkey PRIMARY KEY (application_id, endpoint_key, scope_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (application_id, run_id, endpoint_key, occurrence);

ALTER TABLE ONLY public.document_versions
    ADD CONSTRAINT document_versions_pkey PRIMARY KEY (kind, id, version);

ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (kind, id);

ALTER TABLE ONLY public.dry_run_users
    ADD CONSTRAINT dry_run_users_pkey PRIMARY KEY (application_id, user_key);

ALTER TABLE ONLY public.endpoint_activity
    ADD CONSTRAINT endpoint_activity_pkey PRIMARY KEY (application_id, endpoint_key);

ALTER TABLE ONLY public.endpoint_snapshots
    ADD CONSTRAINT endpoint_snapshots_pkey PRIMARY KEY (application_id, segment_id, version, endpoint_key);

ALTER TABLE ONLY public.endpoints
    ADD CONSTRAINT endpoints_pkey PRIMARY KEY (application_id, endpoint_key);

ALTER TABLE ONLY public.event_readers
    ADD CONSTRAINT event_readers_pkey PRIMARY KEY (application_id, name);

ALTER TABLE ONLY public.events_set_aside
    ADD CONSTRAINT events_set_aside_pkey PRIMARY KEY (application_id, name, "position");

ALTER TABLE ONLY public.export_pieces
    ADD CONSTRAINT export_pieces_pkey PRIMARY KEY (application_id, job_id, piece_no);

ALTER TABLE ONLY public.file_uploads
    ADD CONSTRAINT file_uploads_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.import_errors
    ADD CONSTRAINT import_errors_pkey PRIMARY KEY (application_id, job_id, object_no, line_no);

ALTER TABLE ONLY public.import_objects
    ADD CONSTRAINT import_objects_pkey PRIMARY KEY (application_id, job_id, object_no);

ALTER TABLE ONLY public.inbound_messages
    ADD CONSTRAINT inbound_messages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.inbound_messages
    ADD CONSTRAINT inbound_messages_provider_id_key UNIQUE (provider_id);

ALTER TABLE ONLY public.inbound_parts
    ADD CONSTRAINT inbound_parts_pkey PRIMARY KEY (origination_number, destination_number, reference, total, number);

ALTER TABLE ONLY public.job_members
    ADD CONSTRAINT job_members_pkey PRIMARY KEY (application_id, job_id, endpoint_key);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (application_id, id);

ALTER TABLE ONLY public.journey_arrivals
    ADD CONSTRAINT journey_arrivals_pkey PRIMARY KEY (application_id, journey_id, "position");

ALTER TABLE ONLY public.journey_counts
    ADD CONSTRAINT journey_counts_pkey PRIMARY KEY (application_id, journey_id, run_id, activity_id, lane);

ALTER TABLE ONLY public.journey_lanes
    ADD CONSTRAINT journey_lanes_pkey PRIMARY KEY (application_id, journey_id, lane);

ALTER TABLE ONLY public.journey_runs
    ADD CONSTRAINT journey_runs_pkey PRIMARY KEY (application_id, run_id);

ALTER TABLE ONLY public.journey_states
    ADD CONSTRAINT journey_states_pkey PRIMARY KEY (application_id, journey_id);

ALTER TABLE ONLY public.journey_sweeps
    ADD CONSTRAINT journey_sweeps_pkey PRIMARY KEY (application_id, run_id, number);

ALTER TABLE ONLY public.journey_wakes
    ADD CONSTRAINT journey_wakes_pkey PRIMARY KEY (application_id, journey_id, lane, "position");

ALTER TABLE ONLY public.mailbox
    ADD CONSTRAINT mailbox_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY public.message_parts
    ADD CONSTRAINT message_parts_pkey PRIMARY KEY (receipt_id);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.one_time_passwords
    ADD CONSTRAINT one_time_passwords_pkey PRIMARY KEY (application_id, destination, reference_id);

ALTER TABLE ONLY public.paces
    ADD CONSTRAINT paces_pkey PRIMARY KEY (application_id, scope_id);

ALTER TABLE ONLY public.queue_migrations
    ADD CONSTRAINT queue_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (receipt_id);

ALTER TABLE ONLY public.segment_members
    ADD CONSTRAINT segment_members_pkey PRIMARY KEY (application_id, segment_id, version, endpoint_key);

ALTER TABLE ONLY public.segment_users
    ADD CONSTRAINT segment_users_pkey PRIMARY KEY (application_id, segment_id, version, user_key);

ALTER TABLE ONLY public.sent_messages
    ADD CONSTRAINT sent_messages_pkey PRIMARY KEY (application_id, message_id);

ALTER TABLE ONLY public.sms_turns
    ADD CONSTRAINT sms_turns_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.suppressions
    ADD CONSTRAINT suppressions_pkey PRIMARY KEY (channel_type, address);

ALTER TABLE ONLY public.told_early
    ADD CONSTRAINT told_early_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY public.told
    ADD CONSTRAINT told_pkey PRIMARY KEY (application_id, message_id, what);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (application_id, user_key);

ALTER TABLE ONLY public.visits
    ADD CONSTRAINT visits_pkey PRIMARY KEY (application_id, journey_id, participant);

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

CREATE INDEX active_jobs ON public.jobs USING btree (type) WHERE (completed_at IS NULL);

CREATE INDEX audit_records_by_event ON public.audit_records USING btree (event_name, occurred_at, id);

CREATE INDEX audit_records_by_time ON public.audit_records USING btree (occurred_at, id);

CREATE INDEX audit_records_by_user ON public.audit_records USING btree (user_name, occurred_at, id);

CREATE INDEX campaign_batches_by_run ON public.campaign_batches USING btree (run_id, number);

CREATE INDEX campaign_runs_by_campaign ON public.campaign_runs USING btree (application_id, campaign_id, scheduled_at DESC, run_id DESC);

CREATE UNIQUE INDEX campaign_runs_once ON public.campaign_runs USING btree (application_id, campaign_id, treatment_id, scheduled_at);

CREATE INDEX campaign_runs_running ON public.campaign_runs USING btree (is_triggered) WHERE (state = 'RUNNING'::text);

CREATE INDEX campaign_sweeps_due ON public.campaign_sweeps USING btree (due_at) WHERE (NOT is_cut);

CREATE INDEX campaign_treatments_due ON public.campaign_treatments USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX campaign_treatments_in_app ON public.campaign_treatments USING btree (application_id) WHERE ((frequency = 'IN_APP_EVENT'::text) AND (status = ANY (ARRAY['SCHEDULED'::text, 'EXECUTING'::text])));

CREATE INDEX campaign_treatments_of_events ON public.campaign_treatments USING btree (application_id) WHERE ((frequency = 'EVENT'::text) AND (status = 'EXECUTING'::text));

CREATE INDEX deliveries_by_age ON public.deliveries USING brin (decided_at);

CREATE INDEX deliveries_in_doubt ON public.deliveries USING btree (application_id, run_id) WHERE was_in_doubt;

CREATE INDEX documents_by_age ON public.documents USING btree (application_id, kind, created_at, id);

CREATE INDEX endpoint_snapshots_by_address ON public.endpoint_snapshots USING btree (public.key_hash(application_id, address)) WHERE (address IS NOT NULL);

CREATE INDEX endpoints_by_address ON public.endpoints USING btree (public.key_hash(application_id, address)) WHERE (address IS NOT NULL);

CREATE INDEX endpoints_by_user ON public.endpoints USING btree (public.key_hash(application_id, user_key)) WHERE (user_key IS NOT NULL);

CREATE INDEX events_by_application ON ONLY public.events USING btree (application_id, "position");

CREATE INDEX events_by_hash ON ONLY public.events USING btree (event_hash) WHERE ((event_hash IS NOT NULL) AND (NOT is_repeat));

CREATE INDEX events_by_journey ON ONLY public.events USING btree (journey_id, endpoint_key, "position") WHERE (journey_id IS NOT NULL);

CREATE INDEX events_unsorted_application_id_position_idx ON public.events_unsorted USING btree (application_id, "position");

CREATE INDEX events_unsorted_event_hash_idx ON public.events_unsorted USING btree (event_hash) WHERE ((event_hash IS NOT NULL) AND (NOT is_repeat));

CREATE INDEX events_unsorted_journey_id_endpoint_key_position_idx ON public.events_unsorted USING btree (journey_id, endpoint_key, "position") WHERE (journey_id IS NOT NULL);

CREATE INDEX file_uploads_by_age ON public.file_uploads USING btree (begun_at);

CREATE INDEX inbound_messages_by_age ON public.inbound_messages USING brin (received_at);

CREATE INDEX inbound_messages_unanswered ON public.inbound_messages USING btree (received_at, id) WHERE (reply IS NOT NULL);

CREATE INDEX inbound_messages_unpublished ON public.inbound_messages USING btree (received_at, id) WHERE (body IS NOT NULL);

CREATE INDEX inbound_parts_by_age ON public.inbound_parts USING brin (received_at);

CREATE INDEX jobs_by_date ON public.jobs USING btree (application_id, type, created_at DESC, id DESC);

CREATE INDEX jobs_by_segment ON public.jobs USING btree (application_id, segment_id, type, created_at DESC, id DESC) WHERE (segment_id IS NOT NULL);

CREATE INDEX journey_lanes_due ON public.journey_lanes USING btree (wake_at) WHERE (wake_at IS NOT NULL);

CREATE UNIQUE INDEX journey_runs_by_journey ON public.journey_runs USING btree (application_id, journey_id, number);

CREATE INDEX journey_states_due ON public.journey_states USING btree (look_at) WHERE (look_at IS NOT NULL);

CREATE INDEX journey_states_of_events ON public.journey_states USING btree (application_id) WHERE is_of_events;

CREATE INDEX journey_sweeps_due ON public.journey_sweeps USING btree (due_at) WHERE (NOT is_cut);

CREATE INDEX mailbox_by_age ON public.mailbox USING brin (kept_at);

CREATE UNIQUE INDEX mailbox_by_message ON public.mailbox USING btree (application_id, message_id);

CREATE INDEX message_parts_by_age ON public.message_parts USING brin (sent_at);

CREATE INDEX message_parts_by_message ON public.message_parts USING btree (application_id, message_id);

CREATE INDEX one_time_passwords_by_age ON public.one_time_passwords USING btree (expires_at);

CREATE INDEX receipts_by_age ON public.receipts USING brin (received_at);

CREATE INDEX receipts_unmatched ON public.receipts USING btree (received_at) WHERE (NOT is_matched);

CREATE INDEX sent_messages_by_age ON public.sent_messages USING brin (sent_at);

CREATE INDEX sent_messages_by_due ON public.sent_messages USING btree (receipt_due_at) WHERE (receipt_due_at IS NOT NULL);

CREATE INDEX sent_messages_by_number ON public.sent_messages USING btree (((detail ->> 'destination_phone_number'::text)), sent_at) WHERE (channel_type = 'SMS'::text);

CREATE INDEX sent_messages_by_provider_id ON public.sent_messages USING btree (provider_message_id) WHERE ((channel_type = 'EMAIL'::text) AND (provider_message_id IS NOT NULL));

CREATE INDEX sms_turns_by_age ON public.sms_turns USING brin (free_at);

CREATE INDEX told_by_age ON public.told USING brin (told_at);

CREATE INDEX told_early_by_look ON public.told_early USING btree (look_at);

CREATE INDEX told_early_by_message ON public.told_early USING hash (message_ids);

CREATE INDEX visits_by_run ON public.visits USING btree (application_id, journey_id, run_id) WHERE (activity_id IS NOT NULL);

CREATE INDEX visits_due ON public.visits USING btree (application_id, journey_id, lane, is_absolute, due_at) WHERE (activity_id IS NOT NULL);

CREATE INDEX workers_name ON public.workers USING btree (name);

ALTER INDEX public.events_by_application ATTACH PARTITION public.events_unsorted_application_id_position_idx;

ALTER INDEX public.events_by_hash ATTACH PARTITION public.events_unsorted_event_hash_idx;

ALTER INDEX public.events_by_journey ATTACH PARTITION public.events_unsorted_journey_id_endpoint_key_position_idx;

ALTER TABLE ONLY public.document_versions
    ADD CONSTRAINT document_versions_kind_id_fkey FOREIGN KEY (kind, id) REFERENCES public.documents(kind, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_id_fkey FOREIGN KEY (id) REFERENCES public.procrastinate_workers(id) ON DELETE CASCADE;
