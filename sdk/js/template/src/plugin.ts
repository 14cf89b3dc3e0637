import { definePlugin, Failed, http, page, snapshotComplete, upsert } from "@seawall/sdk";

/** The integration's config, as plugin.yaml describes it. */
interface Config {
  base_url: string;
}

/** What the tool's API answers. The mapping sees all of it; only what this code uses needs a type. */
interface Item {
  id: string | number;
}

export default definePlugin<Config>({
  ingestor: {
    // One slice. A tool with organisations or projects answers one name for each: they are pulled side by side.
    partitions: () => ["all"],

    // A tool that answers page by page: read the page that `cursor` names, and end with more(nextCursor).
    async pull(scope) {
      const items = await http.json<Item[]>(http.url(scope.config.base_url, "/items"));
      if (!Array.isArray(items)) {
        throw new Failed("/items did not answer a list");
      }
      return page(
        items.map((item) => upsert(scope.kind, item.id, item)),
        snapshotComplete(),
      );
    },
  },
});
