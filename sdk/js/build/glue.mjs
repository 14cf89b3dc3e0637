/**
 * The module that the component runs: connects the host's imports, and exports just the manifest's roles.
 * @param {string} entry Import path of the author's module.
 * @param {string[]} roles
 * @param {boolean} files Whether the manifest asks for directories.
 */
export function glue(entry, roles, files) {
  const lines = [`import plugin from ${JSON.stringify(entry)};`, `import * as glue from "@seawall/sdk/glue";`];
  if (roles.some((role) => role !== "rule")) {
    lines.push(`import { write } from "seawall:plugin/log@0.1.0";`, "glue.connectLog(write);");
  }
  if (roles.includes("action")) {
    lines.push(
      `import { get, related } from "seawall:plugin/catalog@0.1.0";`,
      "glue.connectCatalog({ get, related });",
    );
  }
  if (files) {
    lines.push(
      `import { getDirectories } from "wasi:filesystem/preopens@0.2.12";`,
      "glue.connectSandbox(getDirectories);",
    );
  }
  for (const role of roles) {
    lines.push(`export const ${role} = glue.${role}(plugin);`);
  }
  return `${lines.join("\n")}\n`;
}
