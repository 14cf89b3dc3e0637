import { decode } from "./json.js";

let host;

/** Used by the generated entry. */
export function connectCatalog(imports) {
  host = imports;
}

/** The WIT's entity as authors see it. */
export function entity({ id, title, properties, relations }) {
  const byName = {};
  for (const { name, target } of relations) {
    byName[name] ??= [];
    byName[name].push(target);
  }
  return {
    blueprint: id.blueprint,
    identifier: id.identifier,
    title: title ?? null,
    properties: decode(properties),
    relations: byName,
  };
}

function imports() {
  if (host === undefined) {
    throw new Error("only plugins with the role action read the catalog, and only inside the host");
  }
  return host;
}

export const catalog = {
  get(blueprint, identifier) {
    const found = imports().get({ blueprint, identifier });
    return found === undefined || found === null ? undefined : entity(found);
  },
  related(blueprint, identifier, relation) {
    return imports().related({ blueprint, identifier }, relation).map(entity);
  },
};
