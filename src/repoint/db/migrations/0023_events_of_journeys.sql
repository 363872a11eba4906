-- Events that name a journey are found by it and by the endpoint: splits ask what became of its messages. Other events
-- have no place in the index and cost nothing more.

ALTER TABLE events ADD COLUMN journey_id uuid;
CREATE INDEX events_by_journey ON events (journey_id, endpoint_key, position) WHERE journey_id IS NOT NULL;

-- An event about a participant of whom a split may wait to be told: whoever holds the lane looks whether it does.
CREATE TABLE journey_wakes (
    application_id uuid NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    journey_id uuid NOT NULL,
    lane smallint NOT NULL,
    participant text COLLATE "C" NOT NULL,
    PRIMARY KEY (application_id, journey_id, lane, position)
);

-- Of one who waits for an event: when its waiting ends without one, as due_at tells it. An event makes due_at earlier.
ALTER TABLE visits ADD COLUMN waits_until timestamptz;
