//! Whether a component's functions have the types of this host's WIT, told from the component's own description: nothing of
//! it runs, not even a start function.

use crate::{
    LoadError,
    bindings::{
        exports::seawall::plugin::{action, ingestor, rule, webhook},
        seawall::plugin::types::{Failure, LocatedChange},
    },
};
use seawall_domain::manifest::Role;
use wasmtime::{
    Engine,
    component::{
        Component, ComponentNamedList, Lift, Lower,
        types::{Component as ComponentType, ComponentInstance, ComponentItem},
    },
};

type Answer<T, E = Failure> = (Result<T, E>,);

/// Compares the functions of one role.
///
/// # Errors
/// [`LoadError`] that names the function and what differs.
pub(crate) fn check(engine: &Engine, component: &Component, role: Role) -> Result<(), LoadError> {
    let whole = component.component_type();
    let interface = whole.get_export(engine, role.interface()).map(|export| export.ty);
    let Some(ComponentItem::ComponentInstance(exports)) = interface else {
        return Err(LoadError::Invalid(format!(
            "the component does not export {}",
            role.interface()
        )));
    };
    let role = Functions {
        engine,
        whole: &whole,
        exports,
        role,
    };
    match role.role {
        Role::Ingestor => {
            role.has::<(&ingestor::Scope,), Answer<Vec<String>>>("partitions")?;
            role.has::<(&ingestor::Scope, &str, Option<&str>), Answer<ingestor::Page>>("pull")
        }
        Role::Webhook => role.has::<(&[u8], &webhook::Delivery), Answer<Vec<LocatedChange>>>("receive"),
        Role::Action => {
            role.has::<(&action::Invocation,), Answer<action::Progress>>("start")?;
            role.has::<(&action::Invocation, &[u8]), Answer<action::Progress>>("poll")?;
            role.has::<(&action::Invocation, &[u8]), Answer<()>>("cancel")
        }
        Role::Rule => role.has::<(&str, &[u8], &[rule::Subject]), Answer<Vec<rule::Verdict>, String>>("evaluate"),
    }
}

struct Functions<'a> {
    engine: &'a Engine,
    whole: &'a ComponentType,
    exports: ComponentInstance,
    role: Role,
}

impl Functions<'_> {
    fn has<P, R>(&self, name: &str) -> Result<(), LoadError>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let wrong = |detail: String| LoadError::WrongShape {
            role: self.role.interface().into(),
            detail: format!("`{name}` {detail}"),
        };
        match self.exports.get_export(self.engine, name).map(|export| export.ty) {
            Some(ComponentItem::ComponentFunc(function)) => function
                .typecheck::<P, R>(&self.whole.instance_type())
                .map_err(|e| wrong(format!("has other types: {e:#}"))),
            _ => Err(wrong("is missing".to_owned())),
        }
    }
}
