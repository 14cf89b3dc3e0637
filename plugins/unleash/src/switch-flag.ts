import { Failed, failed, type Invocation, located, log, NotFound, type Progress, succeeded } from "@seawall/sdk";
import { type Config, flags, setEnabled } from "./api.js";
import { flagItem, flagUrl } from "./item.js";

interface Inputs {
  environment: string;
  enabled: boolean;
}

/** Switches the target flag in one environment, and reads back that it took effect. */
export async function switchFlag({ config, inputs, target }: Invocation<Config, Inputs>): Promise<Progress> {
  const { environment, enabled } = inputs;
  const name = target?.identifier;
  const project = target?.relations.project?.[0]?.identifier;
  if (name === undefined || project === undefined) {
    throw new Failed("switch-flag works on a flag that has the relation project: pull the flags first");
  }
  const word = enabled ? "on" : "off";
  log.info(`switching ${name} ${word} in ${environment}`, { project });
  await setEnabled(config, { project, flag: name, environment }, enabled);

  // Read from the same list that a pass reads, so that the item is the same one.
  const now = (await flags(config, project)).find((flag) => flag.name === name);
  if (now === undefined) {
    throw new NotFound(`project ${project} has no flag ${name} any more`);
  }
  if (now.environments.find((each) => each.name === environment)?.enabled !== enabled) {
    return failed(`Unleash accepted the change, but ${name} is still not ${word} in ${environment}`);
  }
  return succeeded({
    outputs: { flag: name, project, environment, enabled },
    link: flagUrl(config, project, name),
    changes: [located(project, flagItem(config, project, now))],
  });
}
