-- How full a site is of what its agent may have kept here, as far as a person was told of it.
CREATE TABLE site_bounds (
    site TEXT NOT NULL REFERENCES sites (name),
    -- secrets, devices or credentials
    what TEXT NOT NULL,
    -- 1: nearly full; 2: something was refused
    level BIGINT NOT NULL,
    PRIMARY KEY (site, what)
);
-- Agents that change nothing unattended any more, as they told last.
CREATE TABLE halts (
    agent TEXT NOT NULL PRIMARY KEY REFERENCES agents (id),
    -- The device where it went wrong; empty if it was none.
    device TEXT NOT NULL,
    why TEXT NOT NULL,
    since BIGINT NOT NULL
);
