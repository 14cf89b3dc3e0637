// The parts of Unleash's admin API (8.2) that this plugin uses.
import { Failed, http } from "@seawall/sdk";

/** The integration's config. */
export interface Config {
  base_url: string;
}

export interface Project {
  id: string;
}

export interface Environment {
  name: string;
}

/** A flag as its project lists it. Its name is unique in all of Unleash. */
export interface Flag {
  name: string;
  environments: { name: string; enabled: boolean }[];
}

export async function projects(config: Config): Promise<Project[]> {
  const answer = await http.json(address(config, ["projects"]));
  return list(answer?.projects, "projects");
}

export async function environments(config: Config): Promise<Environment[]> {
  const answer = await http.json(address(config, ["environments"]));
  return list(answer?.environments, "environments");
}

/**
 * All flags of a project that are not archived.
 *
 * The search, which Unleash's own pages use, gives a little more of each flag, but only 100 at a time and 15 times a
 * minute, with counters that differ on every call. This list is whole, and has an ETag that holds while nothing changes.
 */
export async function flags(config: Config, project: string): Promise<Flag[]> {
  const answer = await http.json(address(config, ["projects", project, "features"]));
  return list(answer?.features, "features");
}

/** Switches a flag on or off in one environment. Doing it twice does no harm. */
export async function setEnabled(
  config: Config,
  where: { project: string; flag: string; environment: string },
  enabled: boolean,
): Promise<void> {
  const { project, flag, environment } = where;
  const path = ["projects", project, "features", flag, "environments", environment, enabled ? "on" : "off"];
  await http.send(address(config, path), { method: "POST" });
}

function address(config: Config, path: string[]): string {
  return http.url(config.base_url, `/api/admin/${path.map(encodeURIComponent).join("/")}`);
}

function list<T>(value: unknown, what: string): T[] {
  if (!Array.isArray(value)) {
    throw new Failed(`Unleash's answer has no list of ${what}: is base_url the address of Unleash itself?`);
  }
  return value;
}
