//! The kernel's address table, as `/proc/net/arp` shows it. Pure. Only complete entries of Ethernet count; whatever else
//! stands there is passed over.

use std::net::{IpAddr, Ipv4Addr};

use crate::inventory::Mac;

/// More of the table is not read, in bytes; a full kernel table of 1024 entries has 80 KiB.
pub const MAX_BYTES: u64 = 512 << 10;
/// More entries are not kept.
const MAX_ENTRIES: usize = 4096;

/// Somebody that this machine has spoken to lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Neighbour {
    /// Where it is.
    pub address: IpAddr,
    /// Its hardware address.
    pub mac: Mac,
}

/// The neighbours in the table, in the order of their addresses, each once.
pub fn neighbours(table: &str) -> Vec<Neighbour> {
    let mut found: Vec<_> = table.lines().skip(1).filter_map(entry).take(MAX_ENTRIES).collect();
    found.sort();
    found.dedup_by_key(|neighbour| neighbour.address);
    found
}

/// `10.1.2.3  0x1  0x2  00:03:c5:0c:9f:25  *  eth0`
fn entry(line: &str) -> Option<Neighbour> {
    /// Ethernet.
    const ETHERNET: u32 = 1;
    /// The hardware address is known.
    const COMPLETE: u32 = 2;
    let mut words = line.split_ascii_whitespace();
    let address: Ipv4Addr = words.next()?.parse().ok()?;
    let kind = hex(words.next()?)?;
    let flags = hex(words.next()?)?;
    let mac: Mac = words.next()?.parse().ok()?;
    let good = kind == ETHERNET && flags & COMPLETE != 0 && mac.is_a_device();
    good.then_some(Neighbour { address: address.into(), mac })
}

fn hex(word: &str) -> Option<u32> {
    u32::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
10.1.2.9         0x1         0x2         52:54:00:11:22:33     *        eth0
10.1.2.3         0x1         0x6         00:03:C5:0c:9f:25     *        eth0
10.1.2.3         0x1         0x2         00:03:c5:0c:9f:25     *        eth1
10.1.2.4         0x1         0x0         00:00:00:00:00:00     *        eth0
10.1.2.5         0x20        0x2         00:03:c5:00:00:01     *        ib0
10.1.2.6         0x1         0x2         ff:ff:ff:ff:ff:ff     *        eth0
10.1.2.999       0x1         0x2         00:03:c5:00:00:02     *        eth0
";

    #[test]
    fn complete_entries_of_devices_count_each_once() {
        let found: Vec<_> = neighbours(TABLE)
            .iter()
            .map(|it| format!("{} {} {}", it.address, it.mac, it.mac.is_mobotix()))
            .collect();
        assert_eq!(found, ["10.1.2.3 00:03:c5:0c:9f:25 true", "10.1.2.9 52:54:00:11:22:33 false"]);
    }

    #[test]
    fn a_table_without_end_is_cut() {
        let line = |number: usize| {
            let (high, low) = (number / 250, number % 250);
            format!("10.1.{high}.{low} 0x1 0x2 02:00:00:00:00:01 * eth0\n")
        };
        let table: String =
            std::iter::once("head\n".to_owned()).chain((0..9000).map(line)).collect();
        assert_eq!(neighbours(&table).len(), MAX_ENTRIES);
    }

    proptest::proptest! {
        #[test]
        fn no_table_makes_the_reader_panic(text in "(?s).{0,200}") {
            let _ = neighbours(&text);
        }
    }
}
