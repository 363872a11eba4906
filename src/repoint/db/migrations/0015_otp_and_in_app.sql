-- One-time passwords, and finding in-app campaigns.

-- What is known of a code that was sent, which is not the code.
CREATE TABLE one_time_passwords (
    application_id uuid NOT NULL,
    -- The number it went to, as E.164.
    destination text COLLATE "C" NOT NULL,
    -- What the caller knows the user or the session by.
    reference_id text COLLATE "C" NOT NULL,
    salt bytea NOT NULL,
    -- Of salt and code, under a key of the installation.
    hash bytea NOT NULL,
    -- Wrong codes that may still come; with the last one the row goes.
    attempts_left smallint NOT NULL CHECK (attempts_left > 0),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, destination, reference_id)
);
CREATE INDEX one_time_passwords_by_age ON one_time_passwords (expires_at);

-- The in-app campaigns of an application that may be shown: asked for each time that somebody opens the app.
CREATE INDEX campaign_treatments_in_app ON campaign_treatments (application_id)
    WHERE frequency = 'IN_APP_EVENT' AND status IN ('SCHEDULED', 'EXECUTING');
