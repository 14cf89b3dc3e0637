//! Tries to leave a checkout, and to change it.

use crate::{Attempt, Outcome, get, send};
use seawall_sdk::prelude::*;
use wasip2::filesystem::{
    preopens,
    types::{Descriptor, DescriptorFlags, NewTimestamp, OpenFlags, PathFlags},
};

/// Where the manifest has it put.
const AT: &str = "/repository";

fn open() -> std::result::Result<Descriptor, String> {
    let all = preopens::get_directories();
    let found = all.into_iter().find(|(_, at)| at == AT);
    found.map(|(root, _)| root).ok_or_else(|| format!("no {AT}"))
}

fn read(root: &Descriptor, path: &str) -> std::result::Result<String, String> {
    let flags = (PathFlags::SYMLINK_FOLLOW, OpenFlags::empty(), DescriptorFlags::READ);
    let file = root
        .open_at(flags.0, path, flags.1, flags.2)
        .map_err(|code| format!("{code:?}"))?;
    let (bytes, _) = file.read(200, 0).map_err(|code| format!("{code:?}"))?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// A line for each attempt: what came of it.
pub fn attack() -> String {
    let root = match open() {
        Ok(root) => root,
        Err(why) => return why,
    };
    let mut lines = Vec::new();
    let paths = [
        "inside",
        "folder/good",
        "folder/up",
        "absolute",
        "out",
        "folder/out",
        "folder/through",
        "module",
        "../state.json",
        "../../../seawall.db",
        "../../../token",
        "folder/../../../../token",
        "/etc/passwd",
        "good/../../token",
        ".git/config",
    ];
    for path in paths {
        let came = read(&root, path);
        lines.push(format!("read {path}: {came:?}"));
    }
    let follow = PathFlags::SYMLINK_FOLLOW;
    let written = root.open_at(follow, "new", OpenFlags::CREATE, DescriptorFlags::WRITE);
    lines.push(format!("create: {:?}", written.map(drop)));
    let opened = root.open_at(follow, "inside", OpenFlags::empty(), DescriptorFlags::WRITE);
    lines.push(format!("write: {:?}", opened.map(drop)));
    lines.push(format!("mkdir: {:?}", root.create_directory_at("new")));
    lines.push(format!("link: {:?}", root.symlink_at("/etc/passwd", "mine")));
    lines.push(format!(
        "hard link: {:?}",
        root.link_at(follow, "inside", &root, "mine")
    ));
    lines.push(format!("rename: {:?}", root.rename_at("inside", &root, "outside")));
    lines.push(format!("unlink: {:?}", root.unlink_file_at("inside")));
    lines.push(format!("rmdir: {:?}", root.remove_directory_at("folder")));
    let times = root.set_times_at(follow, "inside", NewTimestamp::Now, NewTimestamp::Now);
    lines.push(format!("times: {times:?}"));
    lines.join("\n")
}

/// Three pages, each of which asks `wire` before it reads the file `version`.
pub fn versions(wire: &str, cursor: Option<&str>) -> Result<Page> {
    let number: u32 = cursor.unwrap_or("0").parse().map_err(|_| Failure::failed("cursor"))?;
    let asked = send(&Attempt {
        name: String::new(),
        method: get(),
        scheme: "http".into(),
        authority: wire.trim_start_matches("http://").into(),
        path: format!("/allowed/page-{number}"),
        headers: Vec::new(),
        bytes: Vec::new(),
        trailers: Vec::new(),
        follow: false,
        body: String::new(),
    });
    asked.map_err(Failure::Unavailable)?;
    let root = open().map_err(Failure::failed)?;
    let mut page = match number {
        2 => Page::complete(),
        n => Page::more((n + 1).to_string()),
    };
    let name = format!("page-{number}");
    let body = Some(read(&root, "version").map_err(Failure::failed)?);
    let outcome = Outcome {
        name: name.clone(),
        body,
        ..Outcome::default()
    };
    page.upsert("outcome", name, &outcome)?;
    Ok(page)
}
