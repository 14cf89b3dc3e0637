import { definePlugin, operations } from "@seawall/sdk";
import type { Config } from "./api.js";
import { partitions, pull } from "./ingestor.js";
import { receive } from "./receive.js";
import { switchFlag } from "./switch-flag.js";

export default definePlugin<Config>({
  ingestor: { partitions, pull },
  webhook: { receive },
  action: operations({ "switch-flag": switchFlag }),
});
