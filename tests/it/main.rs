//! The stories: one binary, one module per story, named as an operator would name them.

mod catalogue;
mod source;
mod tidy;
