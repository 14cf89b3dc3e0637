//! One page, one transaction. Everything that a page names is asked for at once and written at once.

use super::{
    PgStore,
    items::escaped,
    tx::{Tx, q},
};
use crate::{
    Expect, PageResult, Result, body,
    page::{self, Item, Page},
    sql::unescape,
};
use sqlx::Row;
use std::collections::HashMap;

/// Where a page comes from.
#[derive(Clone, Copy)]
enum Turn {
    /// A pass.
    Pass(i64),
    /// A change outside a pass, and the pass that is open beside it.
    Live(Option<i64>),
    /// What is stored, mapped anew.
    Renewal,
}

/// Stores a page. Where it was not stored it may be tried again.
pub(super) async fn apply(store: &PgStore, page: &Page) -> Result<PageResult> {
    let mut tx = Tx::begin(store, page.partition, &page.cause, page.now).await?;
    tx.check_duty(page.duty.as_ref()).await?;
    tx.check_items(&page.expect).await?;
    let turn = match page.pass {
        Some(pass) => {
            tx.check_fence(page.fence)?;
            tx.head(pass).await?.must_run(pass, page.partition)?;
            tx.result.counts.pages = 1;
            Turn::Pass(pass)
        }
        None if page.renewal => Turn::Renewal,
        None => Turn::Live(tx.open_pass().await?),
    };
    tx.result.counts.items = page.items;
    tx.result.counts.converted = page.converted;
    tx.result.counts.unchanged = page.unchanged.len() as u64;
    tx.listed = page::ids(&page.unchanged);
    if let Turn::Live(Some(pass)) = turn
        && !tx.listed.is_empty()
    {
        let listed = std::mem::take(&mut tx.listed);
        tx.list(pass, &listed).await?;
    }
    tx.items_of(page, turn).await?;
    if let Some((delivery, attempts)) = page.delivery {
        let done = q!(
            tx,
            "UPDATE delivery SET state = 'done', attempts = $2, error = NULL, due = 0, ended_at = $3, headers = NULL, \
             body = NULL WHERE id = $1"
        );
        tx.run(done.bind(delivery).bind(i64::from(attempts)).bind(page.now))
            .await?;
    }
    let cursor = page.pass.map(|_| page.cursor.as_deref());
    tx.finish(page.pass, cursor, &page.expect).await
}

impl<'p> Tx<'_, 'p> {
    /// Fails where an item is not as it was when the page was made.
    async fn check_items(&mut self, all: &[Expect]) -> Result<()> {
        let keys = all.iter().filter_map(|expect| match expect {
            Expect::Item { key, .. } => Some(key.as_str()),
            Expect::Entity { .. } => None,
        });
        let keys = escaped(keys);
        if keys.is_empty() {
            return Ok(());
        }
        let rows = q!(
            self,
            "SELECT key, hash FROM item WHERE partition = $1 AND key = ANY($2)"
        )
        .bind(self.partition)
        .bind(keys)
        .fetch_all(&mut *self.tx)
        .await?;
        let mut known: HashMap<String, &[u8]> = HashMap::with_capacity(rows.len());
        for row in &rows {
            known.insert(unescape(row.try_get(0)?), row.try_get(1)?);
        }
        for expect in all {
            if let Expect::Item { key, hash } = expect
                && known.get(key).copied() != hash.as_ref().map(<[u8; 16]>::as_slice)
            {
                return Err(page::changed(expect));
            }
        }
        Ok(())
    }

    async fn items_of(&mut self, page: &'p Page, turn: Turn) -> Result<()> {
        if page.deletes.is_empty() && page.upserts.is_empty() {
            return Ok(());
        }
        let upserts = || page.upserts.iter().map(|item| item.key.as_str());
        let mut known = self
            .find(page.deletes.iter().map(String::as_str).chain(upserts()))
            .await?;
        let late = |live_pass: Option<i64>| matches!(turn, Turn::Pass(pass) if live_pass == Some(pass));
        let mut removed = Vec::new();
        for key in &page.deletes {
            if known.get(key).is_some_and(|k| !late(k.live_pass))
                && let Some(gone) = known.remove(key)
            {
                removed.push(gone.id);
            }
        }
        let deleted_outside = match turn {
            Turn::Pass(pass) => self.deleted_outside(pass, upserts()).await?,
            Turn::Live(Some(pass)) => {
                let deletes: Vec<&str> = page.deletes.iter().map(String::as_str).collect();
                self.note_outside(pass, &deletes, &Vec::from_iter(upserts())).await?;
                Default::default()
            }
            Turn::Live(None) | Turn::Renewal => Default::default(),
        };
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for item in &page.upserts {
            match known.get(&item.key) {
                // A late page: what came outside the pass since it began is newer.
                Some(known) if late(known.live_pass) => self.result.counts.unchanged += 1,
                None if deleted_outside.contains(&item.key) => self.result.counts.unchanged += 1,
                Some(known) => changed.push((*known, item)),
                None => new.push(item),
            }
        }
        self.remove(&removed).await?;
        let live_pass = match turn {
            Turn::Pass(_) | Turn::Renewal => None,
            Turn::Live(open) => open,
        };
        if !matches!(turn, Turn::Renewal) {
            changed.iter_mut().for_each(|(known, _)| known.live_pass = live_pass);
        }
        let ids = self.store.ids.items(&mut self.tx, new.len(), self.store.keep).await?;
        let new: Vec<(i64, &Item)> = ids.into_iter().zip(new).collect();
        self.add(&new, live_pass).await?;
        self.change(&changed).await?;
        let mut written = new;
        written.extend(changed.into_iter().map(|(known, item)| (known.id, item)));
        written.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        self.report(&written).await?;
        for (id, item) in written {
            if matches!(turn, Turn::Pass(_)) {
                self.listed.insert(body::as_u64(id));
            }
            for said in &item.says {
                let blueprint = self.store.names.id(said.blueprint())?;
                self.touched.say(blueprint, id, said);
            }
        }
        Ok(())
    }
}
