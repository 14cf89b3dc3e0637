import { type Change, http, upsert } from "@seawall/sdk";
import type { Config, Environment, Flag, Project } from "./api.js";

// Items are what Unleash gives, and what its lists leave out, with two underscores before its name: a flag's project,
// and the page that shows it to people.

export function projectItem(config: Config, project: Project): Change {
  const url = http.url(config.base_url, `/projects/${encodeURIComponent(project.id)}`);
  return upsert("project", project.id, { ...project, __url: url });
}

export function environmentItem(environment: Environment): Change {
  return upsert("environment", environment.name, environment);
}

export function flagItem(config: Config, project: string, flag: Flag): Change {
  return upsert("feature-flag", flag.name, {
    ...flag,
    __project: project,
    __url: flagUrl(config, project, flag.name),
  });
}

export function flagUrl(config: Config, project: string, name: string): string {
  return http.url(config.base_url, `/projects/${encodeURIComponent(project)}/features/${encodeURIComponent(name)}`);
}
