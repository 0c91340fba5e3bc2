-- Plans that agents made, to be shown, and what became of them.

CREATE TABLE plans (
    -- The order that asked for it, or a name that the agent drew.
    id TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL REFERENCES sites (name),
    -- Empty for what the policy had done unattended.
    ordered_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Null until the first part came.
    digest BLOB,
    made_at BIGINT,
    expires_at BIGINT,
    -- How many parts there are; 0 until the first came.
    parts BIGINT NOT NULL,
    -- Empty for nobody.
    applied_by TEXT NOT NULL,
    applied_at BIGINT,
    -- 0 if it ended as planned, 1 if not; null until it ended.
    failed BIGINT
);

CREATE INDEX plans_by_site ON plans (site, created_at);

CREATE TABLE plan_parts (
    plan TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    devices BIGINT NOT NULL,
    steps BIGINT NOT NULL,
    -- palisade.v1.PlanReport.
    body BLOB NOT NULL,
    PRIMARY KEY (plan, number)
);

CREATE TABLE plan_results (
    plan TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
    -- Empty for the whole.
    device TEXT NOT NULL,
    -- palisade.v1.AppliedReport.
    body BLOB NOT NULL,
    PRIMARY KEY (plan, device)
);
