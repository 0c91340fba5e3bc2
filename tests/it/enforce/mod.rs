//! Devices changed by a real agent under a real controller: unattended within windows, and by an operator's plan; what is
//! changed back, and who is stopped by what.

mod orders;
mod scene;
mod unattended;
mod whole;
