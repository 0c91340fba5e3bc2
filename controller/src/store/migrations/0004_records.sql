CREATE TABLE device_backups (
    site TEXT NOT NULL REFERENCES sites (name),
    device TEXT NOT NULL,
    -- 32 hex digits, drawn by the agent.
    id TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    -- By the controller's clock.
    arrived_at BIGINT NOT NULL,
    -- palisade.v1.ConfigurationBackup without its sealed body and keys, and these apart, so that lists stay small.
    body BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (site, device, id)
);

CREATE TABLE site_events (
    -- Grows; whoever watches asks for what is beyond the last one seen.
    number BIGINT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL REFERENCES sites (name),
    kind TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    arrived_at BIGINT NOT NULL,
    -- palisade.v1.SiteEvent.
    body BLOB NOT NULL
);
CREATE INDEX events_of_sites ON site_events (site, last_at);
