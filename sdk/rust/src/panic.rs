//! A panic ends the call with a trap that has no words: the hook logs them first.

use std::sync::Once;

static HOOK: Once = Once::new();

/// Called by every role but `rule`, which imports nothing and so has no log.
pub(crate) fn report_panics() {
    HOOK.call_once(|| {
        #[cfg(target_arch = "wasm32")]
        std::panic::set_hook(Box::new(|info| crate::log::error(info.to_string())));
    });
}
