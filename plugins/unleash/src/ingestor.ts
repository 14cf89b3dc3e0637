import { NotFound, type Page, page, type Scope, snapshotComplete } from "@seawall/sdk";
import { type Config, environments, flags, projects } from "./api.js";
import { environmentItem, flagItem, projectItem } from "./item.js";

/** The one slice of the kinds that Unleash lists for all projects at once. */
const ALL = "all";

/** Flags are pulled by project, side by side. */
export async function partitions({ config, kind }: Scope<Config>): Promise<string[]> {
  return kind === "feature-flag" ? (await projects(config)).map(({ id }) => id) : [ALL];
}

/** Unleash gives each of these lists whole, so a pass is one page. */
export async function pull({ config, kind }: Scope<Config>, partition: string): Promise<Page> {
  switch (kind) {
    case "project":
      return page(
        (await projects(config)).map((project) => projectItem(config, project)),
        snapshotComplete(),
      );
    case "environment":
      return page((await environments(config)).map(environmentItem), snapshotComplete());
    case "feature-flag":
      return page(
        (await flags(config, partition)).map((flag) => flagItem(config, partition, flag)),
        snapshotComplete(),
      );
    default:
      throw new NotFound(`this plugin lists no kind ${kind}`);
  }
}
