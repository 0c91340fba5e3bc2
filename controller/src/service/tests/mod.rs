//! What operators may rely on, each noun in its file.

mod backup;
mod bounds;
mod escrow;
mod findings;
mod found;
mod operators;
mod plans;
mod policies;
mod records;
mod regain;
mod renewal;
mod sites;
mod turnover;
mod upkeep;
mod vouches;
