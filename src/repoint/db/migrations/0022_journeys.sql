-- Journeys: where each stands, its runs, who is inside and where, and how those are dealt to the workers.

-- Where a journey stands; one row since it was first published. The journey itself is a document.
CREATE TABLE journey_states (
    application_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('ACTIVE', 'PAUSED', 'CANCELLED', 'CLOSED', 'COMPLETED')),
    -- Deleted, so that all there is of it goes as soon as what is on its way has ended.
    is_deleted boolean NOT NULL DEFAULT false,
    published_at timestamptz NOT NULL,
    -- When the first may enter, and when the last: in local time, of the first and the last zone that there is.
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    -- Since when it is paused, and how long all pauses before lasted together.
    paused_at timestamptz,
    paused_for interval NOT NULL DEFAULT '0',
    -- When the keeper has to look at it again; null for never. Whoever changes the state sets it to now.
    look_at timestamptz,
    is_of_events boolean NOT NULL,
    -- The application's settings when it was published, for what it leaves open: JourneyLimits, Limits and QuietTime.
    defaults jsonb NOT NULL,
    -- The segment whose members enter, in the version of the latest run; null before the first one and for events.
    segment_id uuid,
    segment_version integer,
    -- The participants are users with all of their endpoints; settled when it starts.
    is_of_users boolean NOT NULL DEFAULT false,
    PRIMARY KEY (application_id, journey_id),
    CHECK ((state = 'PAUSED') = (paused_at IS NOT NULL))
);
CREATE INDEX journey_states_due ON journey_states (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX journey_states_of_events ON journey_states (application_id) WHERE is_of_events;

-- A run: one execution of the entry. The first is there from publishing on.
CREATE TABLE journey_runs (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    -- 1 for the first.
    number integer NOT NULL,
    state text NOT NULL CHECK (state IN ('SCHEDULED', 'RUNNING', 'COMPLETED', 'CANCELLED')),
    -- The version of the segment whose members enter; null for the one that is the latest when they are read.
    segment_version integer,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- When its entry begins.
    due_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, run_id)
);
CREATE UNIQUE INDEX journey_runs_by_journey ON journey_runs (application_id, journey_id, number);

-- One pass of a run's entry over the segment: one for all, or in local time one for the zones that enter at one instant.
CREATE TABLE journey_sweeps (
    application_id uuid NOT NULL,
    run_id uuid NOT NULL,
    number integer NOT NULL,
    due_at timestamptz NOT NULL,
    -- Names of time zones; null for everybody.
    zones text[],
    -- Everything up to this key has been let in; with is_cut, everything.
    cut_key text COLLATE "C" NOT NULL DEFAULT '',
    is_cut boolean NOT NULL DEFAULT false,
    PRIMARY KEY (application_id, run_id, number)
);
CREATE INDEX journey_sweeps_due ON journey_sweeps (due_at) WHERE NOT is_cut;

-- A participant of a journey and where it is, or how often it was inside.
CREATE TABLE visits (
    application_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    -- The key of an endpoint, or of a user whose endpoints move together.
    participant text COLLATE "C" NOT NULL,
    lane smallint NOT NULL,
    -- Of the latest entry.
    run_id uuid NOT NULL,
    entered_at timestamptz NOT NULL,
    entries integer NOT NULL DEFAULT 1,
    -- The version of an imported segment whose snapshot it is; null for a registered endpoint, and for a user.
    segment_id uuid,
    segment_version integer,
    -- Where it stands and since when; null for one that has left.
    activity_id text COLLATE "C",
    arrived_at timestamptz NOT NULL,
    -- It has come to wait there; otherwise the activity is still to be performed.
    is_waiting boolean NOT NULL DEFAULT false,
    -- When it is to be looked at: an instant, or for what a pause stops an instant less the pauses before.
    due_at timestamptz,
    is_absolute boolean NOT NULL DEFAULT false,
    -- An event may end its waiting before.
    waits_for_event boolean NOT NULL DEFAULT false,
    -- Drawn when it entered, for all that chance decides.
    seed bigint NOT NULL,
    -- When each message activity was performed since it entered, by activity: `{"a": "2026-…Z"}`.
    performed jsonb NOT NULL DEFAULT '{}',
    -- What custom channels answered about its endpoints, by activity: `{"a": [{"status": "ok"}]}`.
    answers jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (application_id, journey_id, participant),
    CHECK ((activity_id IS NULL) = (due_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX visits_due ON visits (application_id, journey_id, lane, is_absolute, due_at) WHERE activity_id IS NOT NULL;
CREATE INDEX visits_by_run ON visits (application_id, journey_id, run_id) WHERE activity_id IS NOT NULL;

-- A part of the participants of a journey, dealt by a hash of each; moved by one worker at a time.
CREATE TABLE journey_lanes (
    application_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    lane smallint NOT NULL,
    -- When somebody in it is due, or before; null for nobody. Whoever makes somebody due sets it to that if it is later.
    wake_at timestamptz,
    -- Messages that are on their way: `[{"participant", "key", "occurrence", "run_id", "activity_id", "message_id",
    -- "channel"}, …]`; null when none is. Whoever takes the lane over does not know what became of these.
    sending jsonb,
    -- Raised with each step, so that whoever repeats a commit whose end it did not hear knows whether it was made.
    step bigint NOT NULL DEFAULT 0,
    -- Raised by whoever takes the lane.
    epoch integer NOT NULL DEFAULT 0,
    -- The worker's name, and until when the lane is its own; null for nobody's.
    worker text,
    leased_until timestamptz,
    PRIMARY KEY (application_id, journey_id, lane)
) WITH (fillfactor = 20);
CREATE INDEX journey_lanes_due ON journey_lanes (wake_at) WHERE wake_at IS NOT NULL;

-- An event that lets an endpoint into a journey, and has not done so yet.
CREATE TABLE journey_arrivals (
    application_id uuid NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    journey_id uuid NOT NULL,
    endpoint_key text COLLATE "C" NOT NULL,
    -- When it was logged, and its position in the log.
    at timestamptz NOT NULL,
    event_position bigint NOT NULL,
    PRIMARY KEY (application_id, journey_id, position)
);

-- What is counted of a run, or of an activity in a run, in parts so that workers do not wait for each other.
CREATE TABLE journey_counts (
    application_id uuid NOT NULL,
    journey_id uuid NOT NULL,
    run_id uuid NOT NULL,
    -- Empty for the run itself.
    activity_id text COLLATE "C" NOT NULL,
    -- Whose part it is; -1 for what the entry counts.
    lane smallint NOT NULL,
    -- By the names of the API's metrics.
    counts jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (application_id, journey_id, run_id, activity_id, lane)
) WITH (fillfactor = 20);

-- The ledger tells of journeys too: of their runs, by activity. An occurrence is how often the participant had entered,
-- times 1000, and the number of the activity among the sorted ids of all.
ALTER TABLE deliveries ADD COLUMN activity_id text COLLATE "C";

-- Journeys have a pace as campaigns do. Workers of the version before go on by the old name.
ALTER TABLE campaign_paces RENAME TO paces;
ALTER TABLE paces RENAME COLUMN campaign_id TO scope_id;
ALTER TABLE paces RENAME CONSTRAINT campaign_paces_pkey TO paces_pkey;
CREATE VIEW campaign_paces AS SELECT application_id, scope_id AS campaign_id, free_at FROM paces;
