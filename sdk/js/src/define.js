const ROLES = {
  ingestor: ["partitions", "pull"],
  webhook: ["receive"],
  action: ["start", "poll", "cancel"],
};

/** Checks the shape at once, where the message can still name the author's mistake. */
export function definePlugin(plugin) {
  for (const [role, functions] of Object.entries(ROLES)) {
    for (const name of plugin[role] === undefined ? [] : functions) {
      if (typeof plugin[role][name] !== "function") {
        throw new TypeError(`definePlugin: ${role} needs a function ${name}`);
      }
    }
  }
  for (const [name, rule] of Object.entries(plugin.rules ?? {})) {
    if (typeof rule !== "function") {
      throw new TypeError(`definePlugin: the rule ${name} must be a function of (subject, params)`);
    }
  }
  const known = [...Object.keys(ROLES), "rules"];
  for (const key of Object.keys(plugin)) {
    if (!known.includes(key)) {
      throw new TypeError(`definePlugin: ${key} is no role; roles are ${known.join(", ")}`);
    }
  }
  return plugin;
}
