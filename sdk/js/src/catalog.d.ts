/** Names one entity. */
export interface EntityRef {
  blueprint: string;
  identifier: string;
}

/** An entity of the catalog. */
export interface Entity extends EntityRef {
  title: string | null;
  /** Checked against the blueprint's schema. */
  properties: Record<string, any>;
  /** Targets by the relation's name. */
  relations: Record<string, EntityRef[]>;
}

/** Reads the catalog as it stands. Only for actions, and only if the manifest asks: `capabilities: {catalog: true}`. */
export const catalog: {
  /** One entity, or undefined. */
  get(blueprint: string, identifier: string): Entity | undefined;
  /** The targets of one of an entity's relations. */
  related(blueprint: string, identifier: string, relation: string): Entity[];
};
