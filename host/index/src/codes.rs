//! One code for each slot, as narrow as the largest code needs.

use roaring::RoaringBitmap;

/// Slot to code; zero where there is none. Slots beyond the end have none, so a rare property costs little.
#[derive(Debug)]
pub(crate) enum Codes {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::U8(Vec::new())
    }
}

impl Codes {
    pub(crate) fn get(&self, slot: u32) -> u32 {
        let slot = slot as usize;
        match self {
            Self::U8(codes) => codes.get(slot).copied().map_or(0, u32::from),
            Self::U16(codes) => codes.get(slot).copied().map_or(0, u32::from),
            Self::U32(codes) => codes.get(slot).copied().unwrap_or(0),
        }
    }

    /// One more than the last slot that had a code.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::U8(codes) => codes.len(),
            Self::U16(codes) => codes.len(),
            Self::U32(codes) => codes.len(),
        }
    }

    /// The slots with a code that `keep` keeps.
    pub(crate) fn slots_with(&self, keep: impl Fn(u32) -> bool) -> RoaringBitmap {
        match self {
            Self::U8(codes) => places(codes, |code| keep(code.into())),
            Self::U16(codes) => places(codes, |code| keep(code.into())),
            Self::U32(codes) => places(codes, keep),
        }
    }

    /// Slot and code of all, rising.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).map(|slot| (slot, self.get(slot)))
    }

    pub(crate) fn set(&mut self, slot: u32, code: u32) {
        let slot = slot as usize;
        loop {
            match self {
                Self::U8(codes) => match u8::try_from(code) {
                    Ok(code) => return put(codes, slot, code),
                    Err(_) => *self = Self::U16(codes.iter().copied().map(u16::from).collect()),
                },
                Self::U16(codes) => match u16::try_from(code) {
                    Ok(code) => return put(codes, slot, code),
                    Err(_) => *self = Self::U32(codes.iter().copied().map(u32::from).collect()),
                },
                Self::U32(codes) => return put(codes, slot, code),
            }
        }
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        match self {
            Self::U8(codes) => codes.shrink_to_fit(),
            Self::U16(codes) => codes.shrink_to_fit(),
            Self::U32(codes) => codes.shrink_to_fit(),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::U8(codes) => codes.capacity(),
            Self::U16(codes) => codes.capacity() * 2,
            Self::U32(codes) => codes.capacity() * 4,
        }
    }
}

/// Where what `keep` keeps is. Without branches, eight to a byte: whether one passes can be as hard to foresee as a coin.
pub(crate) fn places<T: Copy>(all: &[T], keep: impl Fn(T) -> bool) -> RoaringBitmap {
    let byte = |eight: &[T]| {
        let bits = eight.iter().enumerate();
        bits.fold(0, |byte, (at, one)| byte | (u8::from(keep(*one)) << at))
    };
    let bits: Vec<u8> = all.chunks(8).map(byte).collect();
    RoaringBitmap::from_lsb0_bytes(0, &bits)
}

fn put<T: Copy + Default>(codes: &mut Vec<T>, slot: usize, code: T) {
    if slot >= codes.len() {
        crate::size::make_room(codes, slot + 1 - codes.len());
        codes.resize(slot + 1, T::default());
    }
    codes[slot] = code;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_keeps_what_was_there() {
        let mut codes = Codes::default();
        for (slot, code) in [(3, 7), (1, 255), (9, 256), (4, 65_535), (5, 65_536), (0, u32::MAX)] {
            codes.set(slot, code);
        }
        let all: Vec<u32> = (0..11).map(|slot| codes.get(slot)).collect();
        assert_eq!(all, [u32::MAX, 255, 0, 7, 65_535, 65_536, 0, 0, 0, 256, 0]);
        let odd = codes.slots_with(|code| code % 2 == 1);
        assert_eq!(odd.iter().collect::<Vec<_>>(), [0, 1, 3, 4]);
    }
}
