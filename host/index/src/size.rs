//! Room and its estimate.

use roaring::RoaringBitmap;

/// What a block of `bytes` takes with a usual allocator: eight bytes of its own, rounded up to sixteen.
pub(crate) fn block(bytes: usize) -> usize {
    if bytes == 0 {
        0
    } else {
        (bytes + 8).next_multiple_of(16).max(32)
    }
}

/// A bitmap's containers and their contents; about a fifth is room to grow.
pub(crate) fn bitmap(bitmap: &RoaringBitmap) -> usize {
    let size = bitmap.serialized_size();
    size + size / 5 + 48
}

/// Makes room by an eighth instead of doubling: at hundreds of thousands of entities the doubled room would be most of
/// what a column takes.
pub(crate) fn make_room<T>(vec: &mut Vec<T>, more: usize) {
    if vec.capacity() - vec.len() < more {
        vec.reserve_exact(more.max(vec.len() / 8).max(8));
    }
}
