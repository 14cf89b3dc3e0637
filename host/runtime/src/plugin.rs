//! A loaded component: its manifest, and its roles, looked up once.

use crate::{
    LoadError, Runtime,
    bindings::exports::seawall::plugin::{action, ingestor, rule, webhook},
    rest::Rest,
    shape,
    state::State,
};
use seawall_domain::{
    Digest,
    bundle::{self, Bundle},
    manifest::Role,
};
use std::sync::Arc;
use wasmtime::component::{Component, InstancePre};

/// A component that is ready to be called. Cheap to clone; an old version lives on while calls use it.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) inner: Arc<Loaded>,
}

pub(crate) struct Loaded {
    pub(crate) runtime: Runtime,
    pub(crate) pre: InstancePre<State>,
    pub(crate) roles: Roles,
    pub(crate) rest: Rest,
    digest: Digest,
    bundle: Bundle,
}

/// Where each role's functions are; none where the component does not export it.
#[derive(Default)]
pub(crate) struct Roles {
    pub(crate) ingestor: Option<ingestor::GuestIndices>,
    pub(crate) webhook: Option<webhook::GuestIndices>,
    pub(crate) action: Option<action::GuestIndices>,
    pub(crate) rule: Option<rule::GuestIndices>,
}

impl Plugin {
    /// Runs nothing of the component.
    pub(crate) fn new(
        runtime: Runtime,
        component: Component,
        digest: Digest,
        checked: Checked,
    ) -> Result<Self, LoadError> {
        let Checked(bundle) = checked;
        let pre = runtime
            .linker()
            .instantiate_pre(&component)
            .map_err(|e| LoadError::Invalid(format!("{e:#}")))?;
        let roles = Roles::find(&component, &pre, &bundle.manifest.roles)?;
        Ok(Self {
            inner: Arc::new(Loaded {
                runtime,
                pre,
                roles,
                rest: Rest::new(component),
                digest,
                bundle,
            }),
        })
    }

    /// The component's digest.
    pub fn digest(&self) -> &Digest {
        &self.inner.digest
    }

    /// What its custom section holds.
    pub fn bundle(&self) -> &Bundle {
        &self.inner.bundle
    }
}

/// A bundle whose component's names are right: told before it is compiled, which may take seconds.
pub(crate) struct Checked(Bundle);

impl Checked {
    pub(crate) fn new(bytes: &[u8], wasi_0_3: bool) -> Result<Self, LoadError> {
        let invalid = |e: &dyn std::fmt::Display| LoadError::Invalid(e.to_string());
        let bundle = Bundle::extract(bytes).map_err(|e| invalid(&e))?;
        let world = bundle::world(bytes).map_err(|e| invalid(&e))?;
        bundle.check_roles(&world.exports).map_err(|e| invalid(&e))?;
        bundle::check_imports(&world.imports, wasi_0_3)
            .map_err(|bad| LoadError::Invalid(bad.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
        Ok(Self(bundle))
    }
}

impl Roles {
    fn find(component: &Component, pre: &InstancePre<State>, asked: &[Role]) -> Result<Self, LoadError> {
        let mut roles = Self::default();
        for role in asked {
            shape::check(pre.engine(), component, *role)?;
            let shape = |e: wasmtime::Error| LoadError::WrongShape {
                role: role.interface().into(),
                detail: format!("{e:#}"),
            };
            match role {
                Role::Ingestor => roles.ingestor = Some(ingestor::GuestIndices::new(pre).map_err(shape)?),
                Role::Webhook => roles.webhook = Some(webhook::GuestIndices::new(pre).map_err(shape)?),
                Role::Action => roles.action = Some(action::GuestIndices::new(pre).map_err(shape)?),
                Role::Rule => roles.rule = Some(rule::GuestIndices::new(pre).map_err(shape)?),
            }
        }
        Ok(roles)
    }
}
