import { type Delivery, type LocatedChange, located, NotFound, remove } from "@seawall/sdk";
import { type Config, flags } from "./api.js";
import { flagItem } from "./item.js";

/** What an event of Unleash says, as its integration "Webhook" sends it where no template is set. */
interface Event {
  type: string;
  project?: string | null;
  featureName?: string | null;
}

/**
 * Gives the flag that an event is about as its project lists it now. An event holds a part of the flag at best, and may
 * come late: what Unleash says when it is asked is newer.
 */
export async function receive(config: Config, delivery: Delivery): Promise<LocatedChange[]> {
  const { project, featureName } = delivery.json() as Event;
  if (!project || !featureName) {
    return [];
  }
  const now = (await listed(config, project)).find((flag) => flag.name === featureName);
  return [located(project, now ? flagItem(config, project, now) : remove("feature-flag", featureName))];
}

/** A project's flags; none of one that is gone. */
async function listed(config: Config, project: string) {
  try {
    return await flags(config, project);
  } catch (error) {
    if (error instanceof NotFound) {
      return [];
    }
    throw error;
  }
}
