//! Making an order: the different values are sorted, and the slots are dealt to them.

use crate::{
    collate::{self, View},
    column::Column,
    order::Orders,
    sequence::Sequence,
    table::{Source, Table},
};
use seawall_domain::query::{Num, compare_text, folded};
use std::cmp::Ordering;

/// Bytes of a text that are compared as one number.
const PIECE: usize = 16;
/// Up to so many texts that begin alike are compared in full.
const FEW: usize = 8;

/// All slots by a field. `orders` are the table's.
pub(crate) fn sorted(table: &Table, orders: &Orders, source: Source) -> Sequence {
    if source == Source::Identifier {
        return by_identifier(table);
    }
    // Ties are by identifier: what is dealt in that order stays in it.
    let names = orders.sequence(table, Source::Identifier);
    let names = names.slots();
    match source {
        Source::CreatedAt => by_time(names, |slot| table.created(slot)),
        Source::UpdatedAt => by_time(names, |slot| table.updated(slot)),
        Source::Title => titles(table, names),
        Source::Column(number) => dealt(table.column(number), names),
        Source::Blueprint => {
            let mut all = Sequence::with_capacity(names.len());
            for (place, slot) in names.iter().enumerate() {
                all.push(*slot, place == 0);
            }
            all.close(&[])
        }
        Source::Absent | Source::Identifier => Sequence::with_capacity(names.len()).close(names),
    }
}

fn by_identifier(table: &Table) -> Sequence {
    let mut keys: Vec<_> = table.live().iter().map(|slot| (0, slot)).collect();
    sort_texts(&mut keys, 0, &|slot| table.identifier(slot));
    let mut all = Sequence::with_capacity(keys.len());
    keys.into_iter().for_each(|(_, slot)| all.push(slot, true));
    all.close(&[])
}

fn by_time(names: &[u32], time: impl Fn(u32) -> i64) -> Sequence {
    let mut times: Vec<(i64, u32)> = names.iter().map(|slot| (time(*slot), *slot)).collect();
    times.sort_by_key(|(time, _)| *time);
    let mut all = Sequence::with_capacity(times.len());
    let mut before = None;
    for (time, slot) in times {
        all.push(slot, before != Some(time));
        before = Some(time);
    }
    all.close(&[])
}

/// What has no title goes by its identifier.
fn titles(table: &Table, names: &[u32]) -> Sequence {
    let titled = dealt(table.titles(), names);
    let untitled = &titled.slots()[titled.present()..];
    if untitled.is_empty() {
        return titled;
    }
    merged(table, Source::Title, &titled, titled.present(), untitled).close(&[])
}

/// Puts `fresh` into the first `end` places of what is in order already; both are rising.
pub(crate) fn merged(table: &Table, source: Source, known: &Sequence, end: usize, fresh: &[u32]) -> Sequence {
    let mut all = Sequence::with_capacity(end + fresh.len());
    let slots = &known.slots()[..end];
    let differ = |before: Option<&u32>, slot: u32| {
        before.is_none_or(|before| table.compare_values(source, *before, slot).is_ne())
    };
    let go_on = |all: &mut Sequence, from: usize, to: usize| {
        if from < to {
            let begins = differ(all.slots().last(), slots[from]);
            all.append(known, from..to, begins);
        }
    };
    let mut from = 0;
    for slot in fresh {
        let before = |other: &u32| table.compare(source, *other, *slot).is_lt();
        // By steps that double: where the two alternate, few places are looked at for each.
        let rest = &slots[from..];
        let mut reach = 1;
        while rest.get(reach - 1).is_some_and(before) {
            reach *= 2;
        }
        let (least, most) = (reach / 2, reach.min(rest.len()));
        let to = from + least + rest[least..most].partition_point(before);
        go_on(&mut all, from, to);
        let begins = differ(all.slots().last(), *slot);
        all.push(*slot, begins);
        from = to;
    }
    go_on(&mut all, from, end);
    all
}

/// Sorts the values, and deals the slots to them.
fn dealt(column: &Column, names: &[u32]) -> Sequence {
    let dictionary = column.dictionary();
    let mut counts = vec![0_u32; dictionary.end()];
    column.slots().for_each(|(_, code)| counts[code as usize] += 1);
    let view = |code: u32| dictionary.entry(code).key.look_or_true().view();
    // By code, where the next slot with this value goes. Of long values only a part is known, and those that are alike
    // share a group.
    let mut groups = vec![0_u32; dictionary.end()];
    let (mut starts, mut end, mut before) = (Vec::new(), 0_u32, None);
    for code in ranked(column, &counts) {
        if before.is_none_or(|before| collate::compare(before, view(code)).is_ne()) {
            starts.push(end);
        }
        groups[code as usize] = u32::try_from(starts.len() - 1).unwrap_or(u32::MAX);
        end += counts[code as usize];
        before = Some(view(code));
    }
    let (mut next, mut slots, mut absent) = (starts.clone(), vec![0_u32; end as usize], Vec::new());
    for slot in names {
        match column.code(*slot) {
            Some(code) => {
                let place = &mut next[groups[code as usize] as usize];
                slots[*place as usize] = *slot;
                *place += 1;
            }
            None => absent.push(*slot),
        }
    }
    let mut all = Sequence::with_capacity(names.len());
    let mut starts = starts.into_iter().peekable();
    for (place, slot) in (0..).zip(slots) {
        all.push(slot, starts.next_if_eq(&place).is_some());
    }
    all.close(&absent)
}

/// The codes that some slot has, by value.
fn ranked(column: &Column, counts: &[u32]) -> Vec<u32> {
    let dictionary = column.dictionary();
    let (mut bools, mut nums) = (Vec::new(), Vec::new());
    let mut texts: [Vec<(u128, u32)>; 3] = Default::default();
    for (code, count) in (0..).zip(counts) {
        if *count == 0 {
            continue;
        }
        match dictionary.entry(code).key.look_or_true().view() {
            View::Bool(bool) => bools.push((bool, code)),
            View::Num(num) => nums.push((num, code)),
            View::Text(_) => texts[0].push((0, code)),
            View::Array(_) => texts[1].push((0, code)),
            View::Object(_) => texts[2].push((0, code)),
        }
    }
    bools.sort_unstable();
    nums.sort_unstable_by_key(|(num, _): &(Num, u32)| *num);
    let mut all: Vec<u32> = bools.into_iter().map(|(_, code)| code).collect();
    all.extend(nums.into_iter().map(|(_, code)| code));
    for mut texts in texts {
        sort_texts(
            &mut texts,
            0,
            &|code| match dictionary.entry(code).key.look_or_true().view() {
                View::Text(text) | View::Array(text) | View::Object(text) => text,
                View::Bool(_) | View::Num(_) => "",
            },
        );
        all.extend(texts.into_iter().map(|(_, code)| code));
    }
    all
}

/// Sorts what comes with a text as `compare_text` does, by pieces of the texts from `depth` on: most texts are only looked at
/// once for each piece of what they begin with alike, however many there are.
fn sort_texts<'t>(keys: &mut [(u128, u32)], depth: usize, text: &impl Fn(u32) -> &'t str) {
    for (piece, key) in keys.iter_mut() {
        *piece = piece_of(text(*key), depth);
    }
    keys.sort_unstable();
    let in_full = |a: &(u128, u32), b: &(u128, u32)| -> Ordering { compare_text(text(a.1), text(b.1)) };
    for alike in keys.chunk_by_mut(|a, b| a.0 == b.0) {
        // Where the last byte is zero they have ended, and differ in upper and lower case at most.
        if alike.len() <= FEW || alike[0].0 & 0xff == 0 {
            alike.sort_unstable_by(in_full);
        } else {
            sort_texts(alike, depth + PIECE, text);
        }
    }
}

/// A piece of the lower-case text, from the byte `depth` on; zeros where it has ended.
fn piece_of(text: &str, depth: usize) -> u128 {
    let mut bytes = [0_u8; PIECE];
    let head = &text.as_bytes()[..text.len().min(depth + PIECE)];
    if head.is_ascii() {
        let piece = head.get(depth..).unwrap_or_default();
        bytes[..piece.len()].copy_from_slice(piece);
        bytes.make_ascii_lowercase();
        return u128::from_be_bytes(bytes);
    }
    let (mut at, mut buffer) = (0, [0_u8; 4]);
    for char in folded(text) {
        for byte in char.encode_utf8(&mut buffer).bytes() {
            if at >= depth + PIECE {
                return u128::from_be_bytes(bytes);
            }
            if at >= depth {
                bytes[at - depth] = byte;
            }
            at += 1;
        }
    }
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_sorted_as_they_compare() {
        let mut texts: Vec<String> = [
            "",
            "A",
            "a",
            "a b",
            "a\0",
            "A-1",
            "a-1",
            "b",
            "straße",
            "STRASSE-2",
            "Äpfel",
            "äpfel",
            "äPFEL",
        ]
        .map(str::to_owned)
        .into();
        for beginning in [
            "https://git.example.com/",
            "HTTPS://git.example.com/ä/",
            "0123456789abcde",
            "0123456789abcdef",
        ] {
            texts.push(beginning.to_owned());
            for at in 0..40 {
                texts.push(format!("{beginning}{}/{at}", at % 3));
                texts.push(format!("{beginning}{}/{at}", at % 3).to_uppercase());
            }
        }
        let mut keys: Vec<(u128, u32)> = (0..).zip(&texts).map(|(at, _)| (0, at)).collect();
        sort_texts(&mut keys, 0, &|at| &texts[at as usize]);
        let sorted: Vec<&str> = keys.iter().map(|(_, at)| texts[*at as usize].as_str()).collect();
        let mut naive: Vec<&str> = texts.iter().map(String::as_str).collect();
        naive.sort_by(|a, b| compare_text(a, b));
        assert_eq!(sorted, naive);
    }
}
