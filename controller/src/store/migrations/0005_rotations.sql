-- Where each credential of the devices stands, as the site's agent told last.
CREATE TABLE rotations (
    site TEXT NOT NULL REFERENCES sites (name),
    device TEXT NOT NULL,
    -- password or certificate
    kind TEXT NOT NULL,
    -- palisade.v1.RotationState.
    body BLOB NOT NULL,
    arrived_at BIGINT NOT NULL,
    PRIMARY KEY (site, device, kind)
);
