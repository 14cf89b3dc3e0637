//! Whether the host has all that a component imports.

use std::fmt;

/// A level of WASI that the host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wasi {
    /// 0.2, which every language has.
    V0_2,
    /// 0.3, with asynchronous functions. The host gives it where its operator has turned it on.
    V0_3,
}

impl Wasi {
    /// All levels, the lowest first.
    pub const ALL: [Self; 2] = [Self::V0_2, Self::V0_3];

    /// As it stands in versions: `0.2`.
    pub fn line(self) -> &'static str {
        match self {
            Self::V0_2 => "0.2",
            Self::V0_3 => "0.3",
        }
    }

    /// The levels that a component with these imports needs, the lowest first.
    pub fn of(imports: &[String]) -> Vec<Self> {
        let needs = |level: &Self| imports.iter().any(|import| level.is_of(import));
        Self::ALL.into_iter().filter(needs).collect()
    }

    /// Whether an import is of this level, known or not.
    fn is_of(self, import: &str) -> bool {
        let version = import.split_once('@').map_or("", |(_, version)| version);
        import.starts_with("wasi:") && is_patch_of(version, self.line())
    }

    fn packages(self) -> &'static [Package] {
        match self {
            Self::V0_2 => WASI_0_2,
            Self::V0_3 => WASI_0_3,
        }
    }
}

/// A package's name and its interfaces.
type Package = (&'static str, &'static [&'static str]);

/// Interfaces of WASI 0.2 that the host gives, by package. Sockets are given and refuse every call: toolchains import them
/// whether a program uses them or not.
const WASI_0_2: &[Package] = &[
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    ("wasi:http", &["outgoing-handler", "types"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    ),
    ("wasi:filesystem", &["preopens", "types"]),
    (
        "wasi:sockets",
        &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    ),
];

/// The same of WASI 0.3.
const WASI_0_3: &[Package] = &[
    ("wasi:clocks", &["monotonic-clock", "system-clock", "types"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    ("wasi:http", &["client", "types"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
            "types",
        ],
    ),
    ("wasi:filesystem", &["preopens", "types"]),
    ("wasi:sockets", &["ip-name-lookup", "types"]),
];

/// Interfaces of Seawall's own that the host gives, in its line 0.1.
const OWN: Package = ("seawall:plugin", &["catalog", "log", "types"]);

/// Imports that the host does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadImport {
    /// It does not have it.
    Unknown {
        /// The component's import.
        found: String,
        /// What the host has in its place.
        expected: String,
    },
    /// It has them, and they are turned off: those of WASI 0.3. None where the component is asynchronous without any.
    Off(Vec<String>),
}

/// `found the import `wasi:http/handler@0.2.0`, expected `wasi:http/types@0.2.x``
impl fmt::Display for BadImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { found, expected } => write!(f, "found the import `{found}`, expected {expected}"),
            Self::Off(found) => {
                f.write_str("it needs WASI 0.3, which is off on this host")?;
                if !found.is_empty() {
                    write!(f, " (it imports `{}`)", found.join("`, `"))?;
                }
                f.write_str(
                    "; start the host with `--wasi-0-3`, or with SEAWALL_WASI_0_3=true in its environment, or build the plugin \
                     for WASI 0.2",
                )
            }
        }
    }
}

/// Checks that the host has all `imports` (of [`world`](super::world())): `seawall:plugin` 0.1 and WASI 0.2, at any patch, and
/// WASI 0.3 where it is on.
///
/// # Errors
/// Each import that the host does not have, beside what it has.
pub fn check_imports(imports: &[String], wasi_0_3: bool) -> Result<(), Vec<BadImport>> {
    let levels = if wasi_0_3 { &Wasi::ALL[..] } else { &[Wasi::V0_2] };
    let (mut bad, mut off) = (Vec::new(), Vec::new());
    for import in imports {
        if Wasi::V0_3.is_of(import) && !wasi_0_3 && is_given(import, &[Wasi::V0_3]) {
            off.push(import.clone());
        } else if !is_given(import, levels) {
            bad.push(BadImport::Unknown {
                found: import.clone(),
                expected: expected(import, levels),
            });
        }
    }
    if !off.is_empty() {
        bad.insert(0, BadImport::Off(off));
    }
    if bad.is_empty() { Ok(()) } else { Err(bad) }
}

/// Package, interface and version.
fn parts(import: &str) -> (&str, &str, &str) {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let (package, interface) = path.split_once('/').unwrap_or((path, ""));
    (package, interface, version)
}

/// Each package that is given, with its line.
fn given(levels: &[Wasi]) -> impl Iterator<Item = (&'static Package, &'static str)> + '_ {
    let wasi = levels
        .iter()
        .flat_map(|level| level.packages().iter().map(|package| (package, level.line())));
    std::iter::once((&OWN, "0.1")).chain(wasi)
}

fn is_given(import: &str, levels: &[Wasi]) -> bool {
    let (package, interface, version) = parts(import);
    given(levels).any(|((name, interfaces), line)| {
        *name == package && interfaces.contains(&interface) && is_patch_of(version, line)
    })
}

/// Whether a version is `LINE.PATCH`, without anything behind it.
fn is_patch_of(version: &str, line: &str) -> bool {
    let patch = version.strip_prefix(line).and_then(|rest| rest.strip_prefix('.'));
    patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

/// What the host has in the place of an import that it does not have: the same interface in another line, the interfaces of the
/// same package, a package of nearly the same name, or else all.
fn expected(import: &str, levels: &[Wasi]) -> String {
    let (package, interface, version) = parts(import);
    let list = |all: Vec<String>| format!("`{}`", all.join("`, `"));
    let same = || given(levels).filter(|((name, _), _)| *name == package);
    if same().next().is_none() {
        let near = crate::text::nearest(package, given(levels).map(|((name, _), _)| *name));
        let names = |of: Option<&str>| -> Vec<String> {
            let wanted = given(levels).filter(|((name, _), _)| of.is_none_or(|of| of == *name));
            wanted.map(|((name, _), line)| format!("{name}@{line}.x")).collect()
        };
        return match near {
            Some(near) => list(names(Some(near))),
            None => format!("an interface of {}", names(None).join(", ")),
        };
    }
    let with_interface: Vec<String> = same()
        .filter(|((_, interfaces), _)| interfaces.contains(&interface))
        .map(|(_, line)| format!("{package}/{interface}@{line}.x"))
        .collect();
    // An interface of another line is no help to who has this one right.
    let of_line = || same().filter(|(_, line)| is_patch_of(version, line));
    if !with_interface.is_empty() && of_line().next().is_none() {
        return list(with_interface);
    }
    let all = same().filter(|(_, line)| of_line().next().is_none() || is_patch_of(version, line));
    list(
        all.flat_map(|((_, interfaces), line)| interfaces.iter().map(move |name| format!("{package}/{name}@{line}.x")))
            .collect(),
    )
}
