-- Campaigns: where each treatment stands, its runs, how they are cut for the workers, and the ledger of what became of
-- each endpoint.

-- Where a treatment of a campaign stands; 0 is the standard one. The campaign itself is a document.
CREATE TABLE campaign_treatments (
    application_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    treatment_id smallint NOT NULL CHECK (treatment_id BETWEEN 0 AND 4),
    status text NOT NULL
        CHECK (status IN ('SCHEDULED', 'EXECUTING', 'PENDING_NEXT_RUN', 'COMPLETED', 'PAUSED', 'INVALID')),
    -- Its frequency, ONCE where none was given.
    frequency text NOT NULL
        CHECK (frequency IN ('ONCE', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY', 'EVENT', 'IN_APP_EVENT')),
    -- When the scheduler is to look at it next: a run starts, or one that waits for events begins or ends; null for
    -- nothing to be done.
    due_at timestamptz,
    -- The run that comes next, which the API shows as PENDING; null when none will come, or nobody knows when.
    next_run_id uuid,
    next_start_at timestamptz,
    PRIMARY KEY (application_id, campaign_id, treatment_id)
);
CREATE INDEX campaign_treatments_due ON campaign_treatments (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX campaign_treatments_of_events ON campaign_treatments (application_id)
    WHERE frequency = 'EVENT' AND status = 'EXECUTING';

-- How fast a campaign sends that has MessagesPerSecond: the instant from which the next message may go.
CREATE TABLE campaign_paces (
    application_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    free_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, campaign_id)
) WITH (fillfactor = 20);

-- A run of a treatment: an activity of the API. One that events trigger lasts a day.
CREATE TABLE campaign_runs (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    treatment_id smallint NOT NULL,
    -- Of the campaign, as it was when the run started.
    version integer NOT NULL,
    scheduled_at timestamptz NOT NULL,
    -- Null for a run that never started.
    started_at timestamptz,
    ended_at timestamptz,
    state text NOT NULL CHECK (state IN ('RUNNING', 'CANCELLED', 'COMPLETED')),
    result text CHECK (result IN ('SUCCESS', 'FAIL')),
    -- Why it failed or was cancelled, for the operator.
    reason text,
    is_triggered boolean NOT NULL,
    -- By their names: ExecutionMetrics, and TOTAL and SUCCESSFUL. Of batches that are done; the others have their own.
    counts jsonb NOT NULL DEFAULT '{}',
    timezones_total integer NOT NULL DEFAULT 0,
    PRIMARY KEY (application_id, run_id),
    CHECK ((state = 'RUNNING') = (ended_at IS NULL)),
    CHECK ((state = 'RUNNING') = (result IS NULL))
);
CREATE INDEX campaign_runs_by_campaign ON campaign_runs (application_id, campaign_id, scheduled_at DESC, run_id DESC);
-- What one treatment does at one time is one run, whoever starts it.
CREATE UNIQUE INDEX campaign_runs_once ON campaign_runs (application_id, campaign_id, treatment_id, scheduled_at);
CREATE INDEX campaign_runs_running ON campaign_runs (is_triggered) WHERE state = 'RUNNING';

-- One pass of a run over its audience: one for all, or in local time one for the zones that are served at one instant.
-- Ranges are cut off it as workers come for them.
CREATE TABLE campaign_sweeps (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    number integer NOT NULL,
    due_at timestamptz NOT NULL,
    -- Names of time zones; null for everybody.
    zones text[],
    -- Everything up to this key has been cut off; with is_cut, everything.
    cut_key text COLLATE "C" NOT NULL DEFAULT '',
    is_cut boolean NOT NULL DEFAULT false,
    PRIMARY KEY (application_id, run_id, number)
);
CREATE INDEX campaign_sweeps_due ON campaign_sweeps (due_at) WHERE NOT is_cut;

-- A part of a run that one worker works on at a time: a range of endpoint keys, or a list of events. It goes when it is
-- done.
CREATE TABLE campaign_batches (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    sweep integer,
    -- What is left of the range: keys above this one, up to the last; null is no end.
    after_key text COLLATE "C",
    last_key text COLLATE "C",
    -- What is left of the events: `[{"key", "occurrence", "at"}, …]`; null for a range.
    triggers jsonb,
    -- The group that is being sent: `[{"key", "occurrence", "message_id", "channel"}, …]`; null when none is. Whoever
    -- takes the batch over does not know what became of these.
    sending jsonb,
    -- Raised with each group, so that whoever repeats a commit whose end it did not hear knows whether it was made.
    step bigint NOT NULL DEFAULT 0,
    -- As those of runs.
    counts jsonb NOT NULL DEFAULT '{}',
    -- Raised by whoever takes the batch.
    epoch integer NOT NULL DEFAULT 0,
    -- The worker's name, and until when the batch is its own; null for nobody's.
    worker text,
    leased_until timestamptz,
    PRIMARY KEY (application_id, run_id, number),
    CHECK ((triggers IS NULL) <> (after_key IS NULL))
) WITH (fillfactor = 20);
-- A batch changes with every group: no index may stand in the way of that staying on its page.
CREATE INDEX campaign_batches_by_run ON campaign_batches (run_id, number);

-- The ledger: what became of each endpoint of a run.
CREATE TABLE deliveries (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    endpoint_key text COLLATE "C" NOT NULL,
    -- The position of the event that triggered it; 0 for a run over a segment.
    occurrence bigint NOT NULL,
    decided_at timestamptz NOT NULL,
    -- A campaign_send_status, the name of a metric for those who were left out before, or IN_DOUBT.
    status text NOT NULL,
    -- Its end was not known when its worker died, so it may have gone out, and once more when it was sent again.
    was_in_doubt boolean NOT NULL DEFAULT false,
    channel_type text,
    message_id text COLLATE "C",
    -- What the provider, the hook or we said of it.
    detail text,
    PRIMARY KEY (application_id, run_id, endpoint_key, occurrence)
);
CREATE INDEX deliveries_in_doubt ON deliveries (application_id, run_id) WHERE was_in_doubt;
CREATE INDEX deliveries_by_age ON deliveries USING brin (decided_at);

-- How many messages an endpoint was sent, as far as somebody counts: by all campaigns and journeys of the application
-- together, or by one campaign.
CREATE TABLE cap_counts (
    application_id uuid NOT NULL,
    endpoint_key text COLLATE "C" NOT NULL,
    -- The campaign, or the application for all together.
    scope_id uuid NOT NULL,
    total integer NOT NULL DEFAULT 0,
    -- The last ones, up to 100, oldest first.
    sent_at timestamptz[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (application_id, endpoint_key, scope_id)
) WITH (fillfactor = 80);
