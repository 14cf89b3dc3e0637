//! The slots that hold one value. Most values of a catalog are held by one entity or by very many, so a bitmap is made
//! only from the eighth on.

use roaring::RoaringBitmap;

/// How many slots fit without a bitmap: with the length, 32 bytes.
const FEW: usize = 7;

/// 16 bytes in each dictionary entry.
#[derive(Debug, Default)]
pub(crate) enum Posting {
    #[default]
    Empty,
    One(u32),
    Few(Box<Few>),
    Many(Box<RoaringBitmap>),
}

#[derive(Debug)]
pub(crate) struct Few {
    len: u32,
    slots: [u32; FEW],
}

impl Few {
    fn slots(&self) -> &[u32] {
        &self.slots[..self.len as usize]
    }
}

impl Posting {
    /// Adds a slot; one that is there already stays once.
    pub(crate) fn insert(&mut self, slot: u32) {
        match self {
            Self::Empty => *self = Self::One(slot),
            Self::One(one) if *one == slot => {}
            Self::One(one) => {
                let mut slots = [0; FEW];
                slots[..2].copy_from_slice(&[*one, slot]);
                *self = Self::Few(Box::new(Few { len: 2, slots }));
            }
            Self::Few(few) if few.slots().contains(&slot) => {}
            Self::Few(few) if (few.len as usize) < FEW => {
                few.slots[few.len as usize] = slot;
                few.len += 1;
            }
            Self::Few(few) => {
                let mut bitmap: RoaringBitmap = few.slots().iter().copied().collect();
                bitmap.insert(slot);
                *self = Self::Many(Box::new(bitmap));
            }
            Self::Many(bitmap) => {
                bitmap.insert(slot);
            }
        }
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        match self {
            Self::One(one) if *one == slot => *self = Self::Empty,
            Self::Empty | Self::One(_) => {}
            Self::Few(few) => {
                if let Some(at) = few.slots().iter().position(|held| *held == slot) {
                    few.len -= 1;
                    few.slots[at] = few.slots[few.len as usize];
                    if few.len == 0 {
                        *self = Self::Empty;
                    }
                }
            }
            Self::Many(bitmap) => {
                bitmap.remove(slot);
                if bitmap.is_empty() {
                    *self = Self::Empty;
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    pub(crate) fn len(&self) -> u64 {
        match self.slots() {
            Ok(few) => few.len() as u64,
            Err(bitmap) => bitmap.len(),
        }
    }

    /// The slots themselves where they are few, in no order, else the bitmap.
    pub(crate) fn slots(&self) -> Result<&[u32], &RoaringBitmap> {
        match self {
            Self::Empty => Ok(&[]),
            Self::One(one) => Ok(std::slice::from_ref(one)),
            Self::Few(few) => Ok(few.slots()),
            Self::Many(bitmap) => Err(bitmap),
        }
    }

    /// How many slots `bitmap` has too.
    pub(crate) fn intersection_len(&self, bitmap: &RoaringBitmap) -> u64 {
        match self.slots() {
            Ok(few) => few.iter().filter(|slot| bitmap.contains(**slot)).count() as u64,
            Err(many) => many.intersection_len(bitmap),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Empty | Self::One(_) => 0,
            Self::Few(_) => crate::size::block(size_of::<Few>()),
            Self::Many(bitmap) => crate::size::block(size_of::<RoaringBitmap>()) + crate::size::bitmap(bitmap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_shrinks_through_all_forms() {
        let mut posting = Posting::default();
        for slot in 0..20 {
            posting.insert(slot * 3);
            posting.insert(slot * 3);
            assert_eq!(posting.len(), u64::from(slot) + 1);
        }
        let evens: RoaringBitmap = (0..60).filter(|slot| slot % 2 == 0).collect();
        assert_eq!(posting.intersection_len(&evens), 10);
        for slot in 0..20 {
            posting.remove(slot * 3);
            posting.remove(1);
            assert_eq!(posting.len(), 19 - u64::from(slot));
        }
        assert!(posting.is_empty());
        assert_eq!(size_of::<Posting>(), 16);
    }
}
