//! The stories: one binary, one module per story.
