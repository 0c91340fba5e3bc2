-- Whom secrets are sealed to, as the root signed it; the one with the highest generation holds.
CREATE TABLE recovery_recipients (
    generation BIGINT NOT NULL PRIMARY KEY,
    -- palisade.v1.RecoveryRecipients.
    body BLOB NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL
);

CREATE TABLE escrow_records (
    site TEXT NOT NULL REFERENCES sites (name),
    -- 16 bytes.
    secret_id BLOB NOT NULL,
    -- In the order in which the site's secrets first arrived, from 1.
    number BIGINT NOT NULL,
    -- Empty for what the whole site shares.
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- Empty if it is of no account.
    account TEXT NOT NULL,
    -- By the agent's clock.
    made_at BIGINT NOT NULL,
    recipients_generation BIGINT NOT NULL,
    copies BIGINT NOT NULL,
    -- Length of body.
    size BIGINT NOT NULL,
    -- palisade.v1.EscrowRecord: sealed, to the newest recipients that came.
    body BLOB NOT NULL,
    -- When it first came, by the controller's clock.
    arrived_at BIGINT NOT NULL,
    -- When its sealed copies were last handed to a person.
    shown_at BIGINT,
    -- When they last went into a break-glass kit.
    exported_at BIGINT,
    PRIMARY KEY (site, secret_id)
);
CREATE UNIQUE INDEX escrow_by_number ON escrow_records (site, number);
CREATE INDEX escrow_by_account ON escrow_records (site, device, kind, account, number);
