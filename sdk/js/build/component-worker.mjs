// Started by component.mjs. Answers one message: {error} is absent where all went well.
import { writeFile } from "node:fs/promises";
import { componentize } from "@bytecodealliance/componentize-js";

process.on("disconnect", () => process.exit(1));
process.once("message", async ({ options, out }) => {
  let error;
  try {
    const { component } = await componentize(options);
    await writeFile(out, component);
  } catch (thrown) {
    error = thrown.message;
  }
  process.send({ error }, () => process.exit(0));
});
