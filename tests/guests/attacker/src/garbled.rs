//! Texts that are no UTF-8, in what the host is given.

use seawall_sdk::prelude::*;

/// A text with a byte in it that no text has.
fn garbled(before: &str) -> String {
    let mut bytes = before.as_bytes().to_vec();
    bytes.extend_from_slice(b"\xff\xfe");
    // SAFETY: it is not sound, on purpose. The text is handed to the host as it is and not looked at before.
    unsafe { String::from_utf8_unchecked(bytes) }
}

/// A page with such a text in one part of it.
pub fn page(part: &str) -> Result<Page> {
    let fine = json!({"name": "fine"});
    let mut page = match part {
        "cursor" => Page::more(garbled("cursor")),
        _ => Page::complete(),
    };
    match part {
        "key" => page.upsert("outcome", garbled("key"), &fine)?,
        "kind" => page.upsert(garbled("outcome"), "key", &fine)?,
        "item" => {
            let value = Json::from_bytes(b"{\"name\": \"\xff\xfe\"}".to_vec());
            page.upsert_json("outcome", "key", value);
        }
        "log" => log::info(garbled("log")),
        "failure" => return Err(Failure::failed(garbled("failure"))),
        _ => {}
    }
    Ok(page)
}
