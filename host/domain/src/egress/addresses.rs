//! Step 3 of the door: which addresses may be connected to.

use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Judges resolved addresses. Every address of a connection goes through this, after resolution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Ranges that the grant names. They open private, shared, loopback, link-local and benchmarking addresses; a metadata
    /// service is only opened by a range of its one address; the rest is never opened.
    pub private_ranges: Vec<IpNet>,
    /// Ranges that stay closed whatever the grant names: the policy's.
    pub never: Vec<IpNet>,
}

/// What kind of address it is, and what opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Public,
    /// Allowed where a range holds it.
    ByRange(&'static str),
    /// Allowed where a range is just it.
    ByName(&'static str),
    Never(&'static str),
}

/// Where clouds answer with credentials or host settings: AWS, Google, Azure and others; ECS and EKS tasks; Alibaba; Oracle;
/// Azure's wire server.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// The same over IPv6: AWS, EKS, Google.
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

const METADATA: &str = "metadata";

impl AddressPolicy {
    /// The same for a rule whose host is `*`: public addresses alone, whatever the grant names. A range is for rules that name
    /// their host.
    #[must_use]
    pub fn public(&self) -> Self {
        Self {
            private_ranges: Vec::new(),
            never: self.never.clone(),
        }
    }

    /// Whether `ip` may be connected to. An IPv4 address inside an IPv6 one (mapped, compatible, translated, NAT64, 6to4,
    /// Teredo, ISATAP) is judged as what it is inside.
    ///
    /// # Errors
    /// The kind of address that it is, in a word: `loopback`, `link-local`, `metadata`, `multicast`, `private`, `shared`,
    /// `unspecified`, `reserved`, `documentation`, `benchmarking` or `broadcast`.
    pub fn check(&self, ip: IpAddr) -> Result<(), &'static str> {
        let v6 = match ip {
            IpAddr::V4(v4) => return self.judge(v4.into(), of_v4(v4)),
            IpAddr::V6(v6) => v6,
        };
        let inside = embedded(v6);
        for v4 in inside.iter().flatten() {
            self.judge((*v4).into(), of_v4(*v4))?;
        }
        // What only wraps an IPv4 address was judged by it; the rest is judged as it is.
        if is_wrapper(v6) {
            Ok(())
        } else {
            self.judge(ip, of_v6(v6))
        }
    }

    /// The narrowest range of the grant that holds an address; none for public addresses, which need none.
    pub fn opened_by(&self, ip: IpAddr) -> Option<IpNet> {
        let inside = match ip {
            IpAddr::V4(_) => Default::default(),
            IpAddr::V6(v6) => embedded(v6),
        };
        let all = inside.iter().flatten().map(|v4| IpAddr::V4(*v4)).chain([ip]);
        let holding = all.filter_map(|ip| {
            let ranges = self.private_ranges.iter().filter(|range| range.contains(&ip));
            ranges.max_by_key(|range| range.prefix_len())
        });
        holding.copied().next()
    }

    /// Whether a range stays closed to an address whatever a grant names.
    pub fn bans(&self, ip: IpAddr) -> bool {
        let inside = match ip {
            IpAddr::V4(_) => Default::default(),
            IpAddr::V6(v6) => embedded(v6),
        };
        let mut all = inside.iter().flatten().map(|v4| IpAddr::V4(*v4)).chain([ip]);
        all.any(|ip| self.never.iter().any(|range| range.contains(&ip)))
    }

    fn judge(&self, ip: IpAddr, verdict: Verdict) -> Result<(), &'static str> {
        let held = |range: &IpNet| range.contains(&ip);
        let named = |range: &IpNet| range.contains(&ip) && range.prefix_len() == range.max_prefix_len();
        match verdict {
            Verdict::Public => Ok(()),
            Verdict::ByRange(kind) | Verdict::ByName(kind) if self.never.iter().any(held) => Err(kind),
            Verdict::ByRange(_) if self.private_ranges.iter().any(held) => Ok(()),
            Verdict::ByName(_) if self.private_ranges.iter().any(named) => Ok(()),
            Verdict::ByRange(kind) | Verdict::ByName(kind) | Verdict::Never(kind) => Err(kind),
        }
    }
}

/// What a range of a grant may lie in: addresses that are not public, and single ones where clouds answer with credentials.
const OPENABLE: [&str; 18] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "198.18.0.0/15",
    "192.0.0.192/32",
    "168.63.129.16/32",
    "::1/128",
    "fe80::/10",
    "fc00::/7",
    "fec0::/10",
    "64:ff9b:1::/48",
    "2001:2::/48",
    "fd00:ec2::254/128",
    "fd00:ec2::23/128",
    "fd20:ce::254/128",
];

fn openable() -> impl Iterator<Item = IpNet> {
    OPENABLE.iter().filter_map(|known| known.parse().ok())
}

/// Whether a range holds an address that a grant can open.
pub fn is_openable(range: &IpNet) -> bool {
    openable().any(|known| known.contains(range) || range.contains(&known))
}

/// Reads ranges, and says of each that is none what to write.
///
/// # Errors
/// The deserializer's.
pub fn ranges<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Vec::<Range>::deserialize(deserializer).map(|all| all.into_iter().map(|Range(range)| range).collect())
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Range(IpNet);

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            let found = crate::text::cut(&text, 80);
            let wrong =
                format!("expected a range of addresses, such as `10.1.0.0/16` or `fd00:1::/32`, found `{found}`");
            match text.parse::<IpAddr>() {
                Ok(address) => format!("{wrong}; write `{}`", IpNet::from(address)),
                Err(_) => wrong,
            }
        })
    }
}

/// Whether a grant may name a range.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub fn check_range(range: &IpNet) -> Result<(), String> {
    if range.trunc() != *range {
        return Err(format!(
            "`{range}` has bits behind its length; write `{}`",
            range.trunc()
        ));
    }
    if openable().any(|known| known.contains(range)) {
        return Ok(());
    }
    Err(format!(
        "`{range}` holds public addresses, which need no range, or ones that are never reached; name the range that the tool is in, \
         within one of {}",
        OPENABLE[..6].join(", ")
    ))
}

/// IANA's special-purpose registry: <https://www.iana.org/assignments/iana-ipv4-special-registry>.
fn of_v4(ip: Ipv4Addr) -> Verdict {
    if METADATA_V4.contains(&ip) {
        return Verdict::ByName(METADATA);
    }
    match ip.octets() {
        [0, ..] => Verdict::Never("unspecified"),
        [127, ..] => Verdict::ByRange("loopback"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Verdict::ByRange("private"),
        [100, 64..=127, ..] => Verdict::ByRange("shared"),
        [169, 254, ..] => Verdict::ByRange("link-local"),
        [198, 18 | 19, ..] => Verdict::ByRange("benchmarking"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Verdict::Never("documentation"),
        [192, 0, 0, _] | [192, 88, 99, _] => Verdict::Never("reserved"),
        [224..=239, ..] => Verdict::Never("multicast"),
        [255, 255, 255, 255] => Verdict::Never("broadcast"),
        [240..=255, ..] => Verdict::Never("reserved"),
        _ => Verdict::Public,
    }
}

/// IANA's special-purpose registry: <https://www.iana.org/assignments/iana-ipv6-special-registry>.
fn of_v6(ip: Ipv6Addr) -> Verdict {
    if METADATA_V6.contains(&ip) {
        return Verdict::ByName(METADATA);
    }
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Verdict::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Verdict::ByRange("loopback"),
        // NAT64 of a network's own (RFC 8215).
        [0x64, 0xff9b, 1, ..] => Verdict::ByRange("private"),
        [0xfe80..=0xfebf, ..] => Verdict::ByRange("link-local"),
        // Unique local, and the site-local ones of old.
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Verdict::ByRange("private"),
        [0xff00..=0xffff, ..] => Verdict::Never("multicast"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Verdict::Never("documentation"),
        [0x2001, 2, 0, ..] => Verdict::ByRange("benchmarking"),
        // IETF protocol assignments, ORCHID among them.
        [0x2001, 0..=0x1ff, ..] => Verdict::Never("reserved"),
        [0x2000..=0x3fff, ..] => Verdict::Public,
        _ => Verdict::Never("reserved"),
    }
}

/// Whether all that this address says is an IPv4 address in it.
fn is_wrapper(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => false,
        // Compatible, mapped, translated (RFC 2765).
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => true,
        // NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x2002, ..] | [0x2001, 0, ..] => true,
        _ => false,
    }
}

/// IPv4 addresses that a packet to this address may end at.
fn embedded(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    let s = ip.segments();
    match s {
        [0x2002, high, low, ..] => [v4(high, low), None],
        // Teredo: the server, and the client with all bits turned.
        [0x2001, 0, high, low, ..] => [v4(high, low), v4(!s[6], !s[7])],
        _ if is_wrapper(ip) => [v4(s[6], s[7]), None],
        // NAT64 of a network's own, in the layout that is in use; ISATAP (RFC 5214).
        [0x64, 0xff9b, 1, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => [v4(s[6], s[7]), None],
        _ => [None, None],
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(ranges: &[&str]) -> AddressPolicy {
        AddressPolicy {
            private_ranges: ranges.iter().map(|range| range.parse().unwrap()).collect(),
            never: Vec::new(),
        }
    }

    #[test]
    fn a_policy_closes_what_a_grant_opens() {
        let mut both = policy(&["10.0.0.0/8", "169.254.169.254/32"]);
        both.never = vec!["10.1.0.0/16".parse().unwrap(), "169.254.0.0/16".parse().unwrap()];
        for (ip, expect) in [
            ("10.2.0.1", Ok(())),
            ("10.1.0.1", Err("private")),
            ("169.254.169.254", Err("metadata")),
            ("93.184.216.34", Ok(())),
        ] {
            assert_eq!(both.bans(ip.parse().unwrap()), expect.is_err(), "{ip}");
            assert_eq!(both.check(ip.parse().unwrap()), expect, "{ip}");
        }
    }

    #[test]
    fn no_range_opens_an_address_to_a_rule_of_every_host() {
        let mut both = policy(&["10.0.0.0/8", "127.0.0.0/8", "169.254.169.254/32", "::1/128"]);
        both.never = vec!["10.1.0.0/16".parse().unwrap()];
        for (ip, expect) in [
            ("10.2.0.1", Err("private")),
            ("127.0.0.1", Err("loopback")),
            ("::ffff:127.0.0.1", Err("loopback")),
            ("::1", Err("loopback")),
            ("169.254.169.254", Err("metadata")),
            ("93.184.216.34", Ok(())),
        ] {
            let ip = ip.parse().unwrap();
            assert_eq!(both.public().check(ip), expect, "{ip}");
            assert_eq!(both.public().opened_by(ip), None, "{ip}");
        }
        assert!(both.public().bans("10.1.0.1".parse().unwrap()));
    }

    #[test]
    fn the_range_that_opened_an_address_is_known() {
        let both = policy(&["10.0.0.0/8", "10.2.0.0/16", "::1/128"]);
        for (ip, range) in [
            ("10.2.0.1", Some("10.2.0.0/16")),
            ("::ffff:10.3.0.1", Some("10.0.0.0/8")),
            ("::1", Some("::1/128")),
            ("93.184.216.34", None),
        ] {
            let opened = both.opened_by(ip.parse().unwrap());
            assert_eq!(opened.map(|range| range.to_string()).as_deref(), range, "{ip}");
        }
    }

    #[test]
    fn a_grant_names_ranges_of_addresses_that_are_not_public() {
        for good in [
            "10.2.0.0/16",
            "127.0.0.1/32",
            "169.254.169.254/32",
            "fd12::/16",
            "::1/128",
        ] {
            assert_eq!(check_range(&good.parse().unwrap()), Ok(()), "{good}");
        }
        for (bad, part) in [
            ("0.0.0.0/0", "holds public addresses"),
            ("0.0.0.0/1", "holds public addresses"),
            ("8.8.8.0/24", "holds public addresses"),
            ("::ffff:0:0/96", "holds public addresses"),
            ("10.0.0.1/8", "write `10.0.0.0/8`"),
        ] {
            let why = check_range(&bad.parse().unwrap()).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }

    #[track_caller]
    fn check(ranges: &[&str], ip: &str, expect: Result<(), &'static str>) {
        assert_eq!(
            policy(ranges).check(ip.parse().unwrap()),
            expect,
            "{ip} with {ranges:?}"
        );
    }

    #[test]
    fn only_public_addresses_pass_by_themselves() {
        for ip in [
            "8.8.8.8",
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00::1",
        ] {
            check(&[], ip, Ok(()));
        }
        for (ip, kind) in [
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("::1", "loopback"),
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("::", "unspecified"),
            ("10.1.2.3", "private"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.168.1.1", "private"),
            ("fc00::1", "private"),
            ("fdff::1", "private"),
            ("fec0::1", "private"),
            ("100.64.0.1", "shared"),
            ("169.254.0.1", "link-local"),
            ("fe80::1", "link-local"),
            ("169.254.169.254", "metadata"),
            ("169.254.170.2", "metadata"),
            ("100.100.100.200", "metadata"),
            ("168.63.129.16", "metadata"),
            ("fd00:ec2::254", "metadata"),
            ("fd20:ce::254", "metadata"),
            ("224.0.0.1", "multicast"),
            ("ff02::1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("240.0.0.1", "reserved"),
            ("192.0.0.1", "reserved"),
            ("192.0.2.1", "documentation"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.7", "documentation"),
            ("2001:db8::1", "documentation"),
            ("198.18.0.1", "benchmarking"),
            ("100::1", "reserved"),
            ("4000::1", "reserved"),
            ("2001:10::1", "reserved"),
        ] {
            check(&[], ip, Err(kind));
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_one_is_judged_as_itself() {
        for (ip, kind) in [
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:7f00:1", "loopback"),
            ("::ffff:169.254.169.254", "metadata"),
            ("::127.0.0.1", "loopback"),
            ("::ffff:0:10.0.0.1", "private"),
            ("64:ff9b::10.0.0.1", "private"),
            ("64:ff9b::169.254.169.254", "metadata"),
            ("64:ff9b:1::169.254.169.254", "metadata"),
            ("64:ff9b:1::8.8.8.8", "private"),
            ("2002:7f00:1::", "loopback"),
            ("2002:c0a8:101::1", "private"),
            // The client 10.0.0.1, then the server 127.0.0.1.
            ("2001:0:808:808::f5ff:fffe", "private"),
            ("2001:0:7f00:1::f7f7:f7f7", "loopback"),
            ("2606:4700::5efe:10.0.0.1", "private"),
            ("fe80::5efe:169.254.169.254", "metadata"),
        ] {
            check(&[], ip, Err(kind));
        }
        for ip in [
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:0:808:808::f7f7:f7f7",
        ] {
            check(&[], ip, Ok(()));
        }
    }

    #[test]
    fn ranges_open_what_they_name() {
        check(&["10.0.0.0/8"], "10.1.2.3", Ok(()));
        check(&["10.0.0.0/8"], "192.168.0.1", Err("private"));
        check(&["127.0.0.1/32"], "127.0.0.1", Ok(()));
        check(&["127.0.0.1/32"], "127.0.0.2", Err("loopback"));
        check(&["127.0.0.1/32"], "::1", Err("loopback"));
        check(&["::1/128"], "::1", Ok(()));
        check(&["10.0.0.0/8"], "::ffff:10.0.0.1", Ok(()));
        check(&["::ffff:0:0/96"], "::ffff:10.0.0.1", Err("private"));
        check(&["fd00::/8"], "fd12::1", Ok(()));
    }

    #[test]
    fn metadata_is_opened_by_its_own_address_alone() {
        check(
            &["0.0.0.0/0", "169.254.0.0/16", "169.254.169.254/31"],
            "169.254.169.254",
            Err("metadata"),
        );
        check(&["169.254.169.254/32"], "169.254.169.254", Ok(()));
        check(&["169.254.169.254/32"], "::ffff:169.254.169.254", Ok(()));
        check(&["::/0", "fd00::/8"], "fd00:ec2::254", Err("metadata"));
        check(&["fd00:ec2::254/128"], "fd00:ec2::254", Ok(()));
        check(&["0.0.0.0/0"], "224.0.0.1", Err("multicast"));
        check(&["0.0.0.0/0"], "0.0.0.0", Err("unspecified"));
    }

    proptest! {
        #[test]
        fn wrapping_never_opens_an_address(v4: u32) {
            let ip = Ipv4Addr::from(v4);
            let policy = AddressPolicy::default();
            let plain = policy.check(ip.into());
            let [a, b] = [(v4 >> 16) as u16, v4 as u16];
            for wrapped in [
                ip.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
                Ipv6Addr::new(0x2002, a, b, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !a, !b),
            ] {
                prop_assert_eq!(policy.check(wrapped.into()), plain, "{}", wrapped);
            }
        }

        /// The standard library's own view, where it has one.
        #[test]
        fn agrees_with_the_standard_library(v4: u32) {
            let ip = Ipv4Addr::from(v4);
            if ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_broadcast()
                || ip.is_documentation() || ip.is_unspecified() {
                prop_assert!(AddressPolicy::default().check(ip.into()).is_err());
            }
        }
    }
}
