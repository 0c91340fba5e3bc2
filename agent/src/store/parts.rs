//! The parts of a store that belong together, on the disk or in memory.

use certs::random;

use super::cache::Cache;
use super::chain::{Chain, Draft, Encode};
use super::condition::Notice;
use super::error::{StoreError, Trouble};
use super::files::DurableFile;
use super::numbers::{self, Numbers};
use super::open::{Place, open};
use super::options::Options;
use super::outbox::Outbox;
use super::shelf::Shelf;
use super::sync_range;

#[derive(Debug)]
pub(super) struct Parts {
    pub shelf: Shelf,
    pub outbox: Outbox,
    pub cache: Cache,
    /// Only on the disk: see [`super::chain`].
    pub chain: Option<Chain>,
    /// Whether opening it led to real syncs.
    pub real_syncs: bool,
}

impl Parts {
    /// Empty ones.
    pub(super) fn in_memory(options: &Options) -> Result<Self, StoreError> {
        let mut shelf = Shelf::in_memory();
        let loaded = Outbox::load(
            &mut shelf,
            &random::id()?,
            options.outbox_in_memory,
            Numbers::in_memory(),
        )
        .and_then(|outbox| Ok((outbox, Cache::load(&mut shelf, options.cache_bytes_in_memory)?)));
        let (outbox, cache) = loaded.expect("memory has no troubles");
        Ok(Self { shelf, outbox, cache, chain: None, real_syncs: false })
    }

    /// What lies on the disk, and what somebody should hear of it.
    pub(super) fn on_disk(
        options: &Options,
    ) -> Result<Result<(Self, Vec<Notice>), Trouble>, StoreError> {
        let fresh = random::id()?;
        let folder = options.folder.join("cache");
        let flush_every = u64::try_from(options.flush_every.as_millis()).unwrap_or(u64::MAX);
        let before = sync_range::calls();
        let opened = open(&Place { folder, flush_every });
        let (mut shelf, healed) = match opened {
            Ok(opened) => opened,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let loaded = load(&mut shelf, options, &fresh);
        let (outbox, cache, chain) = match loaded {
            Ok(loaded) => loaded,
            Err(trouble) => {
                shelf.close();
                return Ok(Err(trouble));
            }
        };
        let damaged = chain.damaged.clone().map(Notice::DamagedFile);
        let behind = chain.outbox_behind.then_some(Notice::OutboxWentBack);
        let notices = healed.into_iter().map(Notice::Healed).chain(damaged).chain(behind).collect();
        let real_syncs = sync_range::calls() > before;
        Ok(Ok((Self { shelf, outbox, cache, chain: Some(chain), real_syncs }, notices)))
    }

    /// Takes over what was gathered in memory.
    pub(super) fn adopt(&mut self, memory: &Self) -> Result<Result<(), Trouble>, StoreError> {
        let fresh = random::id()?;
        let adopted = self
            .outbox
            .adopt(&mut self.shelf, &memory.outbox, &memory.shelf, &fresh)
            .and_then(|()| self.cache.adopt(&mut self.shelf, &memory.shelf));
        Ok(adopted)
    }

    /// Records and head into the outbox, in one change; then the head into its file.
    pub(super) fn audit(&mut self, drafts: &[Draft], encode: Encode) -> Result<(), Trouble> {
        let chain = self.chain.as_mut().ok_or(Trouble::Failing)?;
        let (entries, head, beside) = chain.sealed(drafts, encode);
        self.outbox.push_all(&mut self.shelf, &entries, vec![beside])?;
        chain.advance(head)
    }
}

fn load(
    shelf: &mut Shelf,
    options: &Options,
    fresh: &str,
) -> Result<(Outbox, Cache, Chain), Trouble> {
    let durable = options.folder.join("durable");
    let numbers = DurableFile::new(&durable, "outbox-numbers", numbers::MOST_BYTES);
    let outbox = Outbox::load(shelf, fresh, options.outbox, Numbers::load(numbers)?)?;
    let cache = Cache::load(shelf, options.cache_bytes)?;
    Ok((outbox, cache, Chain::load(&durable, shelf)?))
}
