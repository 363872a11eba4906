-- Made from the migrations by `python -m repoint.db.schema`; never edited.

CREATE FUNCTION public.contract_instant(at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char((at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text);

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

CREATE TABLE public.access_keys (
    access_key_id text NOT NULL COLLATE pg_catalog."C",
    secret bytea NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT access_keys_check CHECK (((status = 'REVOKED'::text) = (revoked_at IS NOT NULL))),
    CONSTRAINT access_keys_name_check CHECK ((name <> ''::text)),
    CONSTRAINT access_keys_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'REVOKED'::text])))
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

CREATE TABLE public.documents (
    kind text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    application_id text NOT NULL COLLATE pg_catalog."C",
    document jsonb NOT NULL,
    tags jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    modified_at timestamp with time zone NOT NULL,
    CONSTRAINT documents_document_check CHECK ((jsonb_typeof(document) = 'object'::text)),
    CONSTRAINT documents_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
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
    CONSTRAINT jobs_check CHECK (((completed_at IS NOT NULL) = (status = ANY (ARRAY['COMPLETED'::text, 'FAILED'::text])))),
    CONSTRAINT jobs_failures_check CHECK ((cardinality(failures) <= 100)),
    CONSTRAINT jobs_id_check CHECK ((id ~ '^[0-9a-f]{32}$'::text)),
    CONSTRAINT jobs_status_check CHECK ((status = ANY (ARRAY['CREATED'::text, 'PREPARING_FOR_INITIALIZATION'::text, 'INITIALIZING'::text, 'PROCESSING'::text, 'PENDING_JOB'::text, 'COMPLETING'::text, 'COMPLETED'::text, 'FAILING'::text, 'FAILED'::text]))),
    CONSTRAINT jobs_type_check CHECK ((type = ANY (ARRAY['EXPORT'::text, 'IMPORT'::text])))
);

CREATE TABLE public.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.queue_migrations (
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.workers (
    id bigint NOT NULL,
    name text NOT NULL
);

ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT access_keys_pkey PRIMARY KEY (access_key_id);

ALTER TABLE ONLY public.attribute_names
    ADD CONSTRAINT attribute_names_pkey PRIMARY KEY (application_id, attribute_type, name);

ALTER TABLE ONLY public.attribute_recounts
    ADD CONSTRAINT attribute_recounts_pkey PRIMARY KEY (application_id);

ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (kind, id);

ALTER TABLE ONLY public.endpoints
    ADD CONSTRAINT endpoints_pkey PRIMARY KEY (application_id, endpoint_key);

ALTER TABLE ONLY public.export_pieces
    ADD CONSTRAINT export_pieces_pkey PRIMARY KEY (application_id, job_id, piece_no);

ALTER TABLE ONLY public.file_uploads
    ADD CONSTRAINT file_uploads_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.import_objects
    ADD CONSTRAINT import_objects_pkey PRIMARY KEY (application_id, job_id, object_no);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (application_id, id);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.queue_migrations
    ADD CONSTRAINT queue_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (application_id, user_key);

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

CREATE INDEX active_jobs ON public.jobs USING btree (type) WHERE (completed_at IS NULL);

CREATE INDEX documents_by_age ON public.documents USING btree (application_id, kind, created_at, id);

CREATE INDEX endpoints_by_address ON public.endpoints USING btree (application_id, hashtextextended(address, (0)::bigint)) WHERE (address IS NOT NULL);

CREATE INDEX endpoints_by_user ON public.endpoints USING btree (application_id, user_key) WHERE (user_key IS NOT NULL);

CREATE INDEX file_uploads_by_age ON public.file_uploads USING btree (begun_at);

CREATE INDEX jobs_by_date ON public.jobs USING btree (application_id, type, created_at DESC, id DESC);

CREATE INDEX workers_name ON public.workers USING btree (name);

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_id_fkey FOREIGN KEY (id) REFERENCES public.procrastinate_workers(id) ON DELETE CASCADE;
