//! The one line that exports a plugin's roles.

/// Exports a type's roles: `plugin!(MyPlugin: ingestor, webhook, action, rule)`, those that it has. The type
/// implements the trait of each: [`Ingestor`](crate::ingestor::Ingestor), [`Webhook`](crate::webhook::Webhook),
/// [`Action`](crate::action::Action), [`Rule`](crate::rule::Rule). The manifest's `roles` names the same.
///
/// In native tests nothing is exported, but the traits are asked for all the same.
#[macro_export]
macro_rules! plugin {
    ($plugin:ty: $($role:ident),+ $(,)?) => {
        $( $crate::__export_role!($role $plugin); )+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_role {
    (ingestor $plugin:ty) => {
        const _: () = {
            type Role = $crate::__private::IngestorRole<$plugin>;
            #[cfg(target_arch = "wasm32")]
    $crate::__export_ingestor_impl!(Role with_types_in $crate::bindings::ingestor);
            #[cfg(not(target_arch = "wasm32"))]
            $crate::__private::has_role(::core::marker::PhantomData::<Role>);
        };
    };
    (webhook $plugin:ty) => {
        const _: () = {
            type Role = $crate::__private::WebhookRole<$plugin>;
            #[cfg(target_arch = "wasm32")]
    $crate::__export_webhook_impl!(Role with_types_in $crate::bindings::webhook);
            #[cfg(not(target_arch = "wasm32"))]
            $crate::__private::has_role(::core::marker::PhantomData::<Role>);
        };
    };
    (action $plugin:ty) => {
        const _: () = {
            type Role = $crate::__private::ActionRole<$plugin>;
            #[cfg(target_arch = "wasm32")]
    $crate::__export_action_impl!(Role with_types_in $crate::bindings::action);
            #[cfg(not(target_arch = "wasm32"))]
            $crate::__private::has_role(::core::marker::PhantomData::<Role>);
        };
    };
    (rule $plugin:ty) => {
        const _: () = {
            type Role = $crate::__private::RuleRole<$plugin>;
            #[cfg(target_arch = "wasm32")]
    $crate::__export_rule_impl!(Role with_types_in $crate::bindings::rule);
            #[cfg(not(target_arch = "wasm32"))]
            $crate::__private::has_role(::core::marker::PhantomData::<Role>);
        };
    };
    ($other:ident $plugin:ty) => {
        ::core::compile_error!("a role is one of: ingestor, webhook, action, rule");
    };
}
