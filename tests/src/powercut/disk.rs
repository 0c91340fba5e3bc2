//! A disk as a file system promises it: what was synced is there; each other change to a file's content or to a
//! folder's names may be there or not when the power is cut.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path};

use super::trace::{Call, Step};
use super::{Dice, Syncs};

/// What a disk keeps or loses at once.
const PAGE: usize = 4096;

/// What is left of the changes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// None of them.
    Nothing,
    /// The first ones, up to the middle of one.
    First,
    /// Any of them, page by page and name by name, in whatever order.
    Any,
}

type Id = usize;

/// A change and when it was made; `ended` once its call had returned.
#[derive(Clone, Debug)]
struct Change<T> {
    call: usize,
    ended: bool,
    what: T,
}

#[derive(Clone, Debug)]
enum Patch {
    Write(u64, Vec<u8>),
    Resize(u64),
}

#[derive(Clone, Debug)]
enum Naming {
    Set(String, Id),
    Unset(String),
    Move(String, String, Id),
}

#[derive(Clone, Debug)]
enum Node {
    File { synced: Vec<u8>, changes: Vec<Change<Patch>> },
    Folder { now: BTreeMap<String, Id>, synced: BTreeMap<String, Id>, changes: Vec<Change<Naming>> },
}

impl Node {
    fn file() -> Self {
        Self::File { synced: Vec::new(), changes: Vec::new() }
    }

    fn folder() -> Self {
        let (now, synced, changes) = Default::default();
        Self::Folder { now, synced, changes }
    }
}

/// The disk. The first node is the root folder, which is durable.
#[derive(Debug)]
pub struct Disk {
    nodes: Vec<Node>,
    /// Syncs that have begun: of what, and which changes they will have made durable.
    syncing: BTreeMap<usize, (Id, Vec<usize>)>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { nodes: vec![Node::folder()], syncing: BTreeMap::new() }
    }
}

impl Disk {
    /// Does what a call does when it begins, and when it ends. What is not below `root` is not looked at.
    pub fn step(&mut self, root: &Path, step: &Step, call: &Call, syncs: Syncs) {
        match step {
            Step::Begin(number) => self.begin(root, *number, call, syncs),
            Step::End(number) => self.end(*number),
        }
    }

    fn begin(&mut self, root: &Path, number: usize, call: &Call, syncs: Syncs) {
        let inside = |path: &Path| Some(names(path.strip_prefix(root).ok()?));
        match call {
            Call::Make { path, empties } => {
                let Some(names) = inside(path) else { return };
                match self.find(&names) {
                    Some(id) if *empties => self.patch(id, number, Patch::Resize(0)),
                    Some(_) => {}
                    None => self.add(&names, number, Node::file()),
                }
            }
            Call::MakeFolder(path) => {
                if let Some(names) = inside(path).filter(|names| !names.is_empty()) {
                    self.add(&names, number, Node::folder());
                }
            }
            Call::Write { path, at, bytes } => {
                if let Some(id) = inside(path).and_then(|names| self.find(&names)) {
                    self.patch(id, number, Patch::Write(*at, bytes.clone()));
                }
            }
            Call::Resize { path, length } => {
                if let Some(id) = inside(path).and_then(|names| self.find(&names)) {
                    self.patch(id, number, Patch::Resize(*length));
                }
            }
            Call::Sync { whole: false, .. } if syncs == Syncs::OfContentDoNothing => {}
            Call::Sync { path, .. } => {
                if let Some(id) = inside(path).and_then(|names| self.find(&names)) {
                    let covered = self.ended_changes(id);
                    self.syncing.insert(number, (id, covered));
                }
            }
            Call::Rename { from, to } => {
                if let (Some(from), Some(to)) = (inside(from), inside(to)) {
                    self.rename(&from, &to, number);
                }
            }
            Call::Remove(path) => {
                let Some(names) = inside(path) else { return };
                if let Some((folder, name)) = self.parent(&names) {
                    self.name(folder, number, Naming::Unset(name));
                }
            }
            Call::Say(_) | Call::Nothing => {}
        }
    }

    fn end(&mut self, number: usize) {
        for node in &mut self.nodes {
            match node {
                Node::File { changes, .. } => ended(changes, number),
                Node::Folder { changes, .. } => ended(changes, number),
            }
        }
        let Some((id, covered)) = self.syncing.remove(&number) else { return };
        match &mut self.nodes[id] {
            Node::File { synced, changes } => {
                for change in taken(changes, &covered) {
                    patched(synced, &change.what);
                }
            }
            Node::Folder { synced, changes, .. } => {
                for change in taken(changes, &covered) {
                    named(synced, &change.what);
                }
            }
        }
    }

    fn find(&self, names: &[String]) -> Option<Id> {
        names.iter().try_fold(0, |id, name| match &self.nodes[id] {
            Node::Folder { now, .. } => now.get(name).copied(),
            Node::File { .. } => None,
        })
    }

    fn parent(&self, names: &[String]) -> Option<(Id, String)> {
        let (name, folder) = names.split_last()?;
        Some((self.find(folder)?, name.clone()))
    }

    fn add(&mut self, names: &[String], number: usize, node: Node) {
        let Some((folder, name)) = self.parent(names) else { return };
        self.nodes.push(node);
        self.name(folder, number, Naming::Set(name, self.nodes.len() - 1));
    }

    fn rename(&mut self, from: &[String], to: &[String], number: usize) {
        let (Some(id), Some((old, old_name)), Some((new, new_name))) =
            (self.find(from), self.parent(from), self.parent(to))
        else {
            return;
        };
        if old == new {
            self.name(old, number, Naming::Move(old_name, new_name, id));
        } else {
            self.name(new, number, Naming::Set(new_name, id));
            self.name(old, number, Naming::Unset(old_name));
        }
    }

    fn patch(&mut self, id: Id, call: usize, what: Patch) {
        if let Node::File { changes, .. } = &mut self.nodes[id] {
            changes.push(Change { call, ended: false, what });
        }
    }

    fn name(&mut self, id: Id, call: usize, what: Naming) {
        if let Node::Folder { now, changes, .. } = &mut self.nodes[id] {
            named(now, &what);
            changes.push(Change { call, ended: false, what });
        }
    }

    fn ended_changes(&self, id: Id) -> Vec<usize> {
        match &self.nodes[id] {
            Node::File { changes, .. } => ended_calls(changes),
            Node::Folder { changes, .. } => ended_calls(changes),
        }
    }

    /// What is left when the power is cut now.
    pub fn cut(&self, kept: Kept, dice: &mut Dice) -> Rest {
        let unsynced = |node: &Node| match node {
            Node::File { changes, .. } => changes.iter().map(|it| it.call).collect::<Vec<_>>(),
            Node::Folder { changes, .. } => changes.iter().map(|it| it.call).collect(),
        };
        let mut calls: Vec<_> = self.nodes.iter().flat_map(unsynced).collect();
        calls.sort_unstable();
        // The call in the middle of which a disk that keeps the first ones stops.
        let last = match calls.len() {
            0 => 0,
            some => calls[dice.below(some as u64) as usize],
        };
        self.rest(0, &mut Cut { kept, last, dice })
    }

    fn rest(&self, id: Id, cut: &mut Cut<'_>) -> Rest {
        match &self.nodes[id] {
            Node::File { synced, changes } => {
                let mut bytes = synced.clone();
                changes.iter().for_each(|change| cut.patch(&mut bytes, change));
                Rest::File(bytes)
            }
            Node::Folder { synced, changes, .. } => {
                let mut names = synced.clone();
                for change in changes.iter().filter(|change| cut.keeps_name(change.call)) {
                    named(&mut names, &change.what);
                }
                let rests = names.into_iter().map(|(name, id)| (name, self.rest(id, cut)));
                Rest::Folder(rests.collect())
            }
        }
    }
}

struct Cut<'a> {
    kept: Kept,
    last: usize,
    dice: &'a mut Dice,
}

impl Cut<'_> {
    fn keeps_name(&mut self, call: usize) -> bool {
        match self.kept {
            Kept::Nothing => false,
            Kept::First => call <= self.last,
            Kept::Any => self.dice.below(2) == 0,
        }
    }

    fn patch(&mut self, bytes: &mut Vec<u8>, change: &Change<Patch>) {
        let whole = match self.kept {
            Kept::Nothing => return,
            Kept::First if change.call > self.last => return,
            Kept::First => change.call < self.last,
            Kept::Any => false,
        };
        let (at, content) = match &change.what {
            Patch::Write(at, content) if !whole => (*at, content),
            Patch::Resize(_) if self.kept == Kept::Any && self.dice.below(2) == 0 => return,
            Patch::Write(..) | Patch::Resize(_) => return patched(bytes, &change.what),
        };
        if self.kept == Kept::First {
            let pages = content.len().div_ceil(PAGE) as u64;
            let end = (self.dice.below(pages + 1) as usize * PAGE).min(content.len());
            return patched(bytes, &Patch::Write(at, content[..end].to_vec()));
        }
        let longer = at as usize + content.len();
        if self.dice.below(2) == 0 && bytes.len() < longer {
            // The length came to the disk, and what should be there did not.
            bytes.resize(longer, 0);
        }
        let mut from = 0;
        while from < content.len() {
            // Pages of the file, not of the call.
            let to = (from + PAGE - (at as usize + from) % PAGE).min(content.len());
            if self.dice.below(2) == 0 {
                patched(bytes, &Patch::Write(at + from as u64, content[from..to].to_vec()));
            }
            from = to;
        }
    }
}

fn patched(bytes: &mut Vec<u8>, patch: &Patch) {
    match patch {
        Patch::Write(_, content) if content.is_empty() => {}
        Patch::Write(at, content) => {
            let (from, to) = (*at as usize, *at as usize + content.len());
            if bytes.len() < to {
                bytes.resize(to, 0);
            }
            bytes[from..to].copy_from_slice(content);
        }
        Patch::Resize(length) => bytes.resize(*length as usize, 0),
    }
}

fn named(names: &mut BTreeMap<String, Id>, naming: &Naming) {
    match naming {
        Naming::Set(name, id) => drop(names.insert(name.clone(), *id)),
        Naming::Unset(name) => drop(names.remove(name)),
        Naming::Move(from, to, id) => {
            // A move can come to the disk without the making of what is moved.
            names.remove(from);
            names.insert(to.clone(), *id);
        }
    }
}

fn ended<T>(changes: &mut [Change<T>], number: usize) {
    let of_call = changes.iter_mut().rev().take_while(|change| change.call >= number);
    of_call.filter(|change| change.call == number).for_each(|change| change.ended = true);
}

fn ended_calls<T>(changes: &[Change<T>]) -> Vec<usize> {
    changes.iter().filter(|change| change.ended).map(|change| change.call).collect()
}

fn taken<T>(changes: &mut Vec<Change<T>>, calls: &[usize]) -> Vec<Change<T>> {
    changes.extract_if(.., |change| calls.contains(&change.call)).collect()
}

fn names(path: &Path) -> Vec<String> {
    let normal = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    };
    path.components().filter_map(normal).collect()
}

/// What is left of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// A file's bytes.
    File(Vec<u8>),
    /// A folder, by names.
    Folder(BTreeMap<String, Rest>),
}

impl Rest {
    /// Puts it at `path`, where nothing is yet.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::File(bytes) => fs::write(path, bytes),
            Self::Folder(rests) => {
                fs::create_dir(path)?;
                rests.iter().try_for_each(|(name, rest)| rest.write(&path.join(name)))
            }
        }
    }
}
