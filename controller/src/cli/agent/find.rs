//! Which agent somebody means who typed a site's name, an agent's id or the beginning of one.

use crate::cli::stop::Stop;

/// An agent that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// The site that it serves or served.
    pub site: String,
    /// Whether it serves it no more.
    pub is_gone: bool,
    /// When it joined, in seconds since 1970.
    pub enrolled_at: i64,
}

/// The place of the one that is meant. A site keeps those it had: the one that serves it now is meant, else the last.
///
/// # Errors
/// [`Stop::Usage`], when it is none or more than one.
pub fn pick(wanted: &str, all: &[Candidate]) -> Result<usize, Stop> {
    let places = || 0..all.len();
    let of_site = places().filter(|place| all[*place].site == wanted);
    if let Some(place) = of_site.min_by_key(|place| (all[*place].is_gone, -all[*place].enrolled_at))
    {
        return Ok(place);
    }
    let mut named = places().filter(|place| all[*place].id.starts_with(wanted));
    match (named.next(), named.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(Stop::Usage(format!("more than one agent begins with {wanted}"))),
        (None, _) => Err(Stop::Usage(format!(
            "no agent is called {wanted} or serves a site of that name; see agent list"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(id: &str, site: &str, is_gone: bool, enrolled_at: i64) -> Candidate {
        Candidate { id: id.to_owned(), site: site.to_owned(), is_gone, enrolled_at }
    }

    #[test]
    fn a_site_means_the_agent_that_serves_it_and_an_id_its_own() {
        let all = [
            agent("0f3a", "harbour", true, 9),
            agent("0f3b", "harbour", false, 5),
            agent("77aa", "depot", true, 3),
            agent("77ab", "depot", true, 4),
        ];
        let id = |wanted| pick(wanted, &all).map(|place| all[place].id.as_str());
        assert_eq!(id("harbour"), Ok("0f3b"));
        assert_eq!(id("depot"), Ok("77ab"), "the last one it had");
        assert_eq!(id("0f3a"), Ok("0f3a"));
        assert!(matches!(id("0f3"), Err(Stop::Usage(why)) if why.contains("more than one")));
        assert!(matches!(id("quay"), Err(Stop::Usage(why)) if why.contains("no agent")));
    }
}
