//! Names in a tree, and where its links lead: what comes from a repository is anybody's.

use gix_object::bstr::BStr;
use gix_validate::path::component;

/// The name of an entry as a file's.
///
/// # Errors
/// Why no honest repository has it: `..`, a slash, `.git` in any way that a file system may take for it.
pub(crate) fn judge(name: &BStr, is_link: bool) -> Result<(), component::Error> {
    let options = component::Options {
        // Names that only Windows does not know are fine.
        protect_windows: false,
        protect_hfs: true,
        protect_ntfs: true,
    };
    gix_validate::path::component(name, is_link.then_some(component::Mode::Symlink), options).map(drop)
}

/// Why a link is left out; none where it stays in the checkout. `depth` is the number of folders that the link lies in.
///
/// `..` is let stand at the beginning alone: there it leads from a real folder to the one that holds it. Behind a name, which may be
/// a link itself, it may lead anywhere.
pub(crate) fn leads_out(target: &[u8], depth: usize) -> Option<&'static str> {
    if target.first() == Some(&b'/') {
        return Some("it is absolute");
    }
    if target.is_empty() || target.contains(&0) || std::str::from_utf8(target).is_err() {
        return Some("it leads to no name");
    }
    let (mut up, mut named) = (0, false);
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if named => return Some("it goes up again behind a name"),
            b".." => up += 1,
            _ => named = true,
        }
    }
    (up > depth).then_some("it leads out of the checkout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_to_write_git_or_a_place_elsewhere_is_a_name() {
        for name in [
            ".git",
            ".GIT",
            ".Git",
            "git~1",
            "GIT~1",
            ".git ",
            ".git.",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "..",
            ".",
            "",
            "a/b",
            "/etc",
        ] {
            assert!(judge(name.into(), false).is_err(), "{name:?}");
        }
        for name in [".gitmodules", ".GITMODULES", "gitmod~1"] {
            assert!(judge(name.into(), true).is_err(), "{name:?}");
        }
        for name in [
            ".gitmodules",
            ".gitignore",
            ".github",
            "git",
            "a:b",
            "con",
            "catalog-info.yaml",
            "...",
            "\u{e4}",
        ] {
            assert!(judge(name.into(), false).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn links_stay_in_the_checkout() {
        for (target, depth) in [
            ("a", 0),
            ("./a/b", 0),
            ("../a", 1),
            ("../../a/b", 2),
            ("..", 1),
            (".", 0),
            ("..a", 0),
        ] {
            assert_eq!(leads_out(target.as_bytes(), depth), None, "{target}");
        }
        for (target, depth) in [
            ("/etc/passwd", 5),
            ("..", 0),
            ("../a", 0),
            ("../../a", 1),
            ("a/..", 3),
            ("a/../../..", 3),
            ("./../x/../..", 3),
            ("", 0),
            ("a\0b", 0),
        ] {
            assert!(leads_out(target.as_bytes(), depth).is_some(), "{target}");
        }
        assert!(leads_out(b"\xff", 0).is_some());
    }
}
