//! Opening layer by layer: the people who must come together need not be in one place. Each takes off the layer that is
//! theirs and hands on what is left, which is still sealed to the others. Nobody takes off the last one here: that is
//! [`super::open`].

use proto::SealedCopy;

use super::{EscrowError, layer};
use crate::seal::Opener;

/// Takes the outermost layer off a copy; `None` if the key is not for it, or it is the last one.
///
/// # Errors
/// [`EscrowError::Seal`] for a copy that is damaged.
pub fn peel(copy: &SealedCopy, key: &Opener) -> Result<Option<SealedCopy>, EscrowError> {
    let Some((_, rest)) = copy.layers.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Ok(None);
    };
    match layer(&copy.sealed, std::slice::from_ref(key)) {
        Err(EscrowError::KeysMissing) => Ok(None),
        Err(error) => Err(error),
        Ok(opened) => Ok(Some(SealedCopy { layers: rest.to_vec(), sealed: opened.to_vec() })),
    }
}

/// Whose keys are still needed, by what the copies say: of each entry, any one. Of the copy that needs the fewest; empty
/// if one of them needs no more.
pub fn lacking(copies: &[SealedCopy], keys: &[Opener]) -> Vec<Vec<String>> {
    let held: Vec<_> = keys.iter().map(|key| key.recipient().to_string()).collect();
    let of_copy = |copy: &SealedCopy| -> Vec<Vec<String>> {
        let lacks = |layer: &&Vec<String>| !layer.iter().any(|name| held.contains(name));
        copy.layers.iter().filter(lacks).cloned().collect()
    };
    copies.iter().map(of_copy).min_by_key(Vec::len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proto::{Secret, SecretId, SecretKind, Timestamp};

    use super::super::{Quorum, Sheet, open, seal};
    use super::*;

    #[test]
    fn two_people_in_two_places_open_it_one_after_the_other() {
        let keys: Vec<_> = (0..3).map(|_| Opener::generate()).collect();
        let names: Vec<_> = keys.iter().map(|key| key.recipient().to_string()).collect();
        let sheet = Sheet {
            organisation: "acme".parse().unwrap(),
            site: "harbour".parse().unwrap(),
            id: SecretId([9; 16]),
            device: None,
            kind: SecretKind::MessageKey,
            account: String::new(),
            made_at: Timestamp::from_unix(1_800_000_000),
            secret: Secret::new("C0rrect"),
        };
        let copies = seal(&sheet, &Quorum::new(2, &names).unwrap()).unwrap();
        let [first, second, third] = &keys[..] else { unreachable!() };
        assert_eq!(lacking(&copies, &[]).len(), 2);
        assert_eq!(lacking(&copies, std::slice::from_ref(second)), [vec![names[0].clone()]]);
        assert!(
            lacking(
                &copies,
                &[
                    Opener::parse(&third.to_text()).unwrap(),
                    Opener::parse(&first.to_text()).unwrap()
                ]
            )
            .is_empty()
        );
        let peeled: Vec<_> = copies.iter().filter_map(|copy| peel(copy, first).unwrap()).collect();
        assert_eq!(peeled.len(), 2);
        assert!(peeled.iter().all(|copy| copy.layers.len() == 1));
        // Still sealed: to whoever peeled it, too.
        let clear = b"C0rrect";
        assert!(peeled.iter().all(|copy| !copy.sealed.windows(7).any(|part| part == clear)));
        for copy in &peeled {
            assert!(matches!(
                open(copy, std::slice::from_ref(first)),
                Err(EscrowError::KeysMissing)
            ));
            assert_eq!(peel(copy, second).unwrap(), None);
        }
        let opened = peeled.iter().filter_map(|copy| open(copy, std::slice::from_ref(third)).ok());
        assert_eq!(
            opened.map(|sheet| sheet.secret.expose().to_owned()).collect::<Vec<_>>(),
            ["C0rrect"]
        );
    }
}
