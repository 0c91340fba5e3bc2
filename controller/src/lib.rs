//! Palisade's controller. Empty on purpose: its turn comes after the agent can judge a camera alone.
