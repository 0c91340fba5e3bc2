//! What the controller decides. It knows neither tonic nor SQL: it is handed checked words and who asks, and answers
//! with words or a [`Refusal`].

mod refusal;

pub use refusal::Refusal;
