//! What operators may rely on, each noun in its file.

mod backup;
mod findings;
mod found;
mod operators;
mod policies;
mod records;
mod sites;
mod turnover;
mod upkeep;
mod vouches;
