-- One-time passwords: what is known of a code that was sent, which is not the code.

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
