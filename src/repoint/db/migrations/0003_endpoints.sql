-- Endpoints, the users they belong to, and the names of custom attributes an application has used.

CREATE TABLE endpoints (
    application_id uuid NOT NULL,
    -- The id folded (endpoints/key.py); endpoint_id keeps the spelling of the first write.
    endpoint_key text COLLATE "C" NOT NULL,
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
    -- One decimal, as the contract stores them.
    latitude double precision,
    longitude double precision,
    cohort smallint NOT NULL CHECK (cohort BETWEEN 0 AND 99),
    endpoint_status text NOT NULL CHECK (endpoint_status IN ('ACTIVE', 'INACTIVE')),
    opt_out text NOT NULL CHECK (opt_out IN ('ALL', 'NONE')),
    -- False as long as the caller never set OptOut: it then follows the address.
    opt_out_is_explicit boolean NOT NULL,
    user_key text COLLATE "C",
    -- User attributes of an endpoint that has no user.
    own_user_attributes jsonb CHECK (own_user_attributes IS NULL OR user_key IS NULL),
    effective_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    request_id text NOT NULL,
    -- Never less than the bytes of the endpoint's JSON without its user's attributes; made exact when it nears the limit.
    size_bound integer NOT NULL,
    PRIMARY KEY (application_id, endpoint_key)
-- A third of each page is left free so that an update finds room beside its row and touches no index.
) WITH (fillfactor = 67);

CREATE INDEX endpoints_by_user ON endpoints (application_id, user_key) WHERE user_key IS NOT NULL;
-- By hash: an address may be longer than an index entry can be.
CREATE INDEX endpoints_by_address ON endpoints (application_id, hashtextextended(address, 0)) WHERE address IS NOT NULL;

CREATE TABLE users (
    application_id uuid NOT NULL,
    user_key text COLLATE "C" NOT NULL,
    user_id text NOT NULL,
    attributes jsonb NOT NULL,
    -- A user exists as long as an endpoint carries its id.
    endpoint_count integer NOT NULL CHECK (endpoint_count > 0),
    size_bound integer NOT NULL,
    PRIMARY KEY (application_id, user_key)
) WITH (fillfactor = 80);

CREATE TABLE attribute_names (
    application_id uuid NOT NULL,
    attribute_type text NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Set by RemoveAttributes: values for this name are no longer captured.
    removed_at timestamptz,
    PRIMARY KEY (application_id, attribute_type, name)
);

CREATE TABLE attribute_recounts (
    application_id uuid PRIMARY KEY,
    recounted_at timestamptz NOT NULL
);

-- An instant as the contract writes it: UTC, milliseconds, Z.
CREATE FUNCTION contract_instant(at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN
    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- The one rendering of an endpoint, for answers, exports and payloads alike (endpoints.md section 14). Text is joined
-- because json_build_object with json_strip_nulls takes three times as long; NULL || text is NULL, so what is not there
-- drops out.
CREATE FUNCTION endpoint_document(e endpoints, u users) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN concat(
    '{"Id":', to_json((e).endpoint_id)::text,
    ',"ApplicationId":"', replace((e).application_id::text, '-', ''), '"',
    ',"ChannelType":"' || (e).channel_type || '"',
    ',"Address":' || to_json((e).address)::text,
    ',"EndpointStatus":"', (e).endpoint_status, '","OptOut":"', (e).opt_out, '"',
    ',"Attributes":', (e).attributes::text,
    ',"Metrics":', (e).metrics::text,
    CASE WHEN num_nonnulls((e).app_version, (e).locale, (e).make, (e).model, (e).model_version, (e).platform,
                           (e).platform_version, (e).timezone) > 0 THEN
        concat(',"Demographic":{', ltrim(concat(
            ',"AppVersion":' || to_json((e).app_version)::text,
            ',"Locale":' || to_json((e).locale)::text,
            ',"Make":' || to_json((e).make)::text,
            ',"Model":' || to_json((e).model)::text,
            ',"ModelVersion":' || to_json((e).model_version)::text,
            ',"Platform":' || to_json((e).platform)::text,
            ',"PlatformVersion":' || to_json((e).platform_version)::text,
            ',"Timezone":' || to_json((e).timezone)::text), ','), '}') END,
    CASE WHEN num_nonnulls((e).city, (e).country, (e).postal_code, (e).region, (e).latitude, (e).longitude) > 0 THEN
        concat(',"Location":{', ltrim(concat(
            ',"City":' || to_json((e).city)::text,
            ',"Country":' || to_json((e).country)::text,
            ',"Latitude":' || (e).latitude::text,
            ',"Longitude":' || (e).longitude::text,
            ',"PostalCode":' || to_json((e).postal_code)::text,
            ',"Region":' || to_json((e).region)::text), ','), '}') END,
    ',"User":{', ltrim(concat(
        ',"UserId":' || to_json((u).user_id)::text,
        ',"UserAttributes":' || nullif(coalesce((u).attributes, (e).own_user_attributes), '{}')::text), ','), '}',
    ',"CohortId":"', (e).cohort::text,
    '","RequestId":', to_json((e).request_id)::text,
    ',"CreationDate":"', contract_instant((e).created_at),
    '","EffectiveDate":"', contract_instant((e).effective_at), '"}');
