//! The WIT, bound once. The world is used for its types alone: a plugin may export any subset of the roles, so each is
//! looked up by itself (see `plugin`).

wasmtime::component::bindgen!({
    inline: "
        package seawall:host;
        world host {
            import seawall:plugin/log@0.1.0;
            import seawall:plugin/catalog@0.1.0;
            export seawall:plugin/ingestor@0.1.0;
            export seawall:plugin/webhook@0.1.0;
            export seawall:plugin/action@0.1.0;
            export seawall:plugin/rule@0.1.0;
        }
    ",
    path: "../../wit/plugin",
    world: "seawall:host/host",
    imports: { default: async | trappable },
    exports: { default: async },
    require_store_data_send: true,
});
