-- Types that mean the same in SQLite and PostgreSQL: TEXT, BIGINT (times in seconds since 1970, booleans 0 and 1), BLOB.
CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE sites (
    name TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Of the desired state; grows with every change of it and is never taken back.
    generation BIGINT NOT NULL
);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL REFERENCES sites (name),
    secret_hash BLOB NOT NULL UNIQUE,
    -- 1: the agent that joins with it takes the place of the site's agent.
    replaces BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    used_at BIGINT,
    -- SHA-256 of the key that used it, and the answer that key gets again.
    used_key BLOB,
    agent TEXT,
    answer BLOB
);

CREATE TABLE pending (
    -- SHA-256 of the key that asks.
    key_hash BLOB NOT NULL PRIMARY KEY,
    code_hash BLOB NOT NULL UNIQUE,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    source TEXT NOT NULL,
    request BLOB NOT NULL,
    recovery_key BLOB NOT NULL,
    asked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    agent TEXT,
    answer BLOB
);

CREATE TABLE agents (
    id TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL REFERENCES sites (name),
    -- active, revoked, locked, replaced
    standing TEXT NOT NULL,
    reason TEXT NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    enrolled_at BIGINT NOT NULL,
    recovery_key BLOB NOT NULL,
    join_sequence BIGINT NOT NULL,
    recoveries BIGINT NOT NULL,
    -- SHA-256 of the key that the last recovery was for, so that the same key gets the same join state again; empty for none.
    recovered_key BLOB NOT NULL,
    certificate_ends BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    trust_generation BIGINT NOT NULL,
    outbox_records BIGINT NOT NULL,
    outbox_oldest BIGINT NOT NULL,
    clock_offset BIGINT NOT NULL,
    time_known BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    audit_length BIGINT NOT NULL,
    audit_hash BLOB NOT NULL,
    witnessed_length BIGINT NOT NULL,
    witnessed_hash BLOB NOT NULL
);
-- A site has one agent at a time; a locked one still holds its place.
CREATE UNIQUE INDEX one_agent_per_site ON agents (site) WHERE standing IN ('active', 'locked');

CREATE TABLE uploads (
    agent TEXT NOT NULL REFERENCES agents (id),
    epoch TEXT NOT NULL,
    committed BIGINT NOT NULL,
    PRIMARY KEY (agent, epoch)
);

CREATE TABLE agent_audit (
    agent TEXT NOT NULL REFERENCES agents (id),
    number BIGINT NOT NULL,
    time BIGINT NOT NULL,
    deed TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL,
    -- By the controller's clock, as the one in devices; agents' clocks may be wrong by years.
    arrived_at BIGINT NOT NULL,
    PRIMARY KEY (agent, number)
);

CREATE TABLE devices (
    site TEXT NOT NULL REFERENCES sites (name),
    device TEXT NOT NULL,
    observed_at BIGINT NOT NULL,
    arrived_at BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    -- SHA-256 of the report with its times and its generation set to 0.
    digest BLOB NOT NULL,
    met BIGINT NOT NULL,
    unmet BIGINT NOT NULL,
    unknown BIGINT NOT NULL,
    -- palisade.v1.DeviceReport without its findings.
    body BLOB NOT NULL,
    PRIMARY KEY (site, device)
);

CREATE TABLE findings (
    site TEXT NOT NULL,
    device TEXT NOT NULL,
    -- A measure such as C07, or new_device, gone_device, changed_certificate.
    about TEXT NOT NULL,
    judgment TEXT NOT NULL,
    stance TEXT NOT NULL,
    waived BIGINT NOT NULL,
    -- palisade.v1.Finding.
    body BLOB NOT NULL,
    PRIMARY KEY (site, device, about),
    FOREIGN KEY (site, device) REFERENCES devices (site, device) ON DELETE CASCADE
);

CREATE TABLE policies (
    version BIGINT NOT NULL PRIMARY KEY,
    -- Empty for the organisation's.
    site TEXT NOT NULL,
    text TEXT NOT NULL,
    applied_by TEXT NOT NULL,
    applied_at BIGINT NOT NULL,
    comment TEXT NOT NULL
);

CREATE TABLE vouches (
    id TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL REFERENCES sites (name),
    -- attestation or waiver
    kind TEXT NOT NULL,
    -- JSON of proto::finding::Attestation or Waiver.
    body TEXT NOT NULL,
    entered_by TEXT NOT NULL,
    entered_at BIGINT NOT NULL
);

CREATE TABLE orders (
    id TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL REFERENCES sites (name),
    -- palisade.v1.Order.
    body BLOB NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    done_at BIGINT
);

CREATE TABLE operators (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    last_seen BIGINT NOT NULL,
    certificate_ends BIGINT NOT NULL,
    -- Of the trust bundle that the operator's client was given last.
    trust_generation BIGINT NOT NULL
);

CREATE TABLE login_codes (
    secret_hash BLOB NOT NULL PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operators (name),
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    used_key BLOB,
    answer BLOB
);

CREATE TABLE audit_log (
    number BIGINT NOT NULL PRIMARY KEY,
    time BIGINT NOT NULL,
    actor TEXT NOT NULL,
    deed TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL
);
