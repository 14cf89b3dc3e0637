//! What every backend of the store must do. Each behaviour is `async fn(&World)`; the macro at the end runs all of them
//! on each backend. A backend that joins implements [`Backend`] and adds one line.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "contract/clients.rs"]
mod clients;
#[path = "contract/closing.rs"]
mod closing;
#[path = "contract/copies.rs"]
mod copies;
#[path = "contract/definitions.rs"]
mod definitions;
#[path = "contract/deliveries.rs"]
mod deliveries;
#[path = "contract/egress.rs"]
mod egress;
#[path = "contract/entities.rs"]
mod entities;
#[path = "contract/live.rs"]
mod live;
#[path = "contract/pages.rs"]
mod pages;
#[path = "contract/passes.rs"]
mod passes;
#[path = "contract/postgres.rs"]
mod postgres;
#[path = "contract/replicas.rs"]
mod replicas;
#[path = "contract/runs.rs"]
mod runs;
#[path = "contract/server.rs"]
mod server;
#[path = "contract/sqlite.rs"]
mod sqlite;
#[path = "contract/subscriptions.rs"]
mod subscriptions;
#[path = "contract/world.rs"]
mod world;

macro_rules! behaviours {
    ($($module:ident: $($behaviour:ident),+ $(,)?;)+) => {
        mod on_sqlite {
            $(mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    let backend = crate::sqlite::Temporary::new();
                    let mut world = crate::world::World::open(Box::new(backend)).await;
                    crate::$module::$behaviour(&mut world).await;
                }
            )+})+
        }
        mod on_postgres {
            $(mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    let Some(server) = crate::server::shared() else { return };
                    // Statements stay prepared.
                    let url = server.database().await + "?statement-cache-capacity=100";
                    let mut world = crate::world::World::open(Box::new(crate::postgres::Temporary::new(url))).await;
                    crate::$module::$behaviour(&mut world).await;
                }
            )+})+
        }
        mod through_pgbouncer {
            $(mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    let Some(server) = crate::server::shared() else { return };
                    let url = server.pooled_database().await;
                    let mut world = crate::world::World::open(Box::new(crate::postgres::Temporary::new(url))).await;
                    crate::$module::$behaviour(&mut world).await;
                }
            )+})+
        }
    };
}

behaviours! {
    definitions:
        blueprints_are_replaced_and_say_whether_anything_changed,
        plugins_and_decisions_are_kept,
        installations_are_kept,
        policies_are_kept,
        changes_of_definitions_are_kept,
        changes_are_kept_with_what_they_are_of,
        integrations_keep_id_and_items_when_replaced,
        secrets_are_sealed_and_come_back,
        settings_are_kept,
        settings_are_swapped_where_they_are_as_they_were,
        components_are_kept_until_they_are_removed;
    deliveries:
        deliveries_keep_their_order_and_are_taken_once;
    pages:
        a_page_stores_items_entities_changes_and_cursor,
        an_unchanged_page_writes_no_change,
        a_changed_item_leaves_a_diff,
        a_change_that_is_none_leaves_no_change_row,
        an_item_that_gives_an_entity_twice_says_both,
        two_items_of_a_page_share_an_entity,
        an_item_that_moves_to_another_entity_removes_the_first,
        deletes_remove_what_the_item_said,
        a_failed_page_leaves_nothing,
        reports_live_as_long_as_what_they_report,
        an_item_without_entities_is_known,
        text_with_a_nul_comes_back_as_it_was;
    entities:
        the_first_integration_comes_first,
        removing_one_of_two_contributors_leaves_the_other,
        a_sole_contributor_left_may_change_and_go,
        history_goes_on_when_a_name_comes_back,
        entities_come_in_the_order_asked,
        scanning_meets_every_entity_once,
        changes_are_in_order_and_without_gaps;
    passes:
        partitions_keep_their_ids,
        a_lease_excludes_others_and_fences_the_late,
        a_pass_goes_on_after_the_store_was_dropped,
        what_was_not_listed_is_swept_in_pieces,
        a_pass_that_has_ended_sweeps_nothing,
        a_held_pass_waits_and_a_newer_one_supersedes_it,
        a_sweep_needs_the_lease,
        a_removed_item_is_never_taken_for_a_new_one,
        passes_are_listed_newest_first;
    clients:
        a_client_corrects_every_integration,
        people_correct_every_other_client,
        a_precedence_names_the_strongest_and_is_applied_again,
        a_client_source_is_no_integration,
        what_a_page_was_made_from_must_still_be_so,
        computed_values_lie_over_what_sources_say,
        defaults_lie_under_what_sources_say,
        a_removed_entity_leaves_all_that_it_had,
        items_are_read_back_as_they_came;
    closing:
        a_partition_that_is_gone_is_closed_by_a_pass_that_lists_nothing,
        a_held_closing_pass_keeps_its_id_until_the_partition_comes_back,
        passes_are_trimmed_and_pages_of_them_go_on,
        a_removed_integration_takes_only_its_own_words;
    live:
        a_late_page_does_not_overwrite_a_newer_change,
        a_late_page_does_not_bring_back_what_was_removed,
        a_sweep_leaves_what_came_outside_the_pass,
        the_next_pass_takes_over_again,
        what_is_mapped_anew_is_no_newer_than_it_was,
        a_change_outside_a_pass_needs_no_fence;
    egress:
        records_and_totals_are_kept_together,
        an_address_is_found_where_it_was_asked_for_and_where_it_was_connected_to,
        trimming_leaves_totals;
    runs:
        an_idempotency_key_finds_its_run,
        a_run_and_its_log_are_stored_together,
        verdicts_are_replaced;
    subscriptions:
        a_subscription_keeps_its_place_and_secret_when_it_is_replaced,
        one_process_sends_at_a_time,
        letters_of_one_entity_wait_behind_each_other,
        the_log_is_cut_at_its_old_end_alone;
}
